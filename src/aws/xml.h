// Reading AWS's XML answers: parse once, then pull out text by path. No type of the parser shows. Writing
// elements is XmlWriter's (wire.h).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace facefleet::aws {

// An element of an XmlDocument, which must outlive it. Cheap to copy; may be no element at all.
class XmlElement {
 public:
  XmlElement() = default;
  explicit operator bool() const { return node_ != nullptr; }

  std::string_view name() const;
  std::string_view text() const;  // its own; empty where there is none

  // The first element at `path`, names separated by '/': `Error/Code`. No element if any step is missing.
  XmlElement at(std::string_view path) const;
  std::string_view text(std::string_view path) const { return at(path).text(); }

  // The child elements of that name, in order.
  std::vector<XmlElement> children(std::string_view name) const;

 private:
  friend class XmlDocument;
  explicit XmlElement(void* node) : node_(node) {}
  void* node_ = nullptr;  // pugixml's own handle
};

class XmlDocument {
 public:
  // kInvalidInput, with the parser's reason, if `bytes` is not well-formed XML.
  static Result<XmlDocument> parse(std::string_view bytes);
  XmlDocument(XmlDocument&&) noexcept;
  XmlDocument& operator=(XmlDocument&&) noexcept;
  ~XmlDocument();

  XmlElement root() const;  // the one outermost element

 private:
  struct Tree;
  explicit XmlDocument(std::unique_ptr<Tree> tree);
  std::unique_ptr<Tree> tree_;
};

// Appends `text` with &, <, >, " and carriage return escaped, so that it reads back as it was.
void append_xml_text(std::string& out, std::string_view text);

}  // namespace facefleet::aws
