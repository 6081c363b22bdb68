#include "aws/xml.h"

#include <pugixml.hpp>

namespace facefleet::aws {
namespace {

pugi::xml_node node_of(void* handle) { return pugi::xml_node(static_cast<pugi::xml_node_struct*>(handle)); }

}  // namespace

struct XmlDocument::Tree {
  pugi::xml_document document;
};

std::string_view XmlElement::name() const { return node_of(node_).name(); }
std::string_view XmlElement::text() const { return node_of(node_).child_value(); }

XmlElement XmlElement::at(std::string_view path) const {
  pugi::xml_node node = node_of(node_);
  while (node && !path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view step = path.substr(0, end);
    path = path.substr(std::min(end + 1, path.size()));
    node = node.find_child([step](const pugi::xml_node& child) { return step == child.name(); });
  }
  return XmlElement(node.internal_object());
}

std::vector<XmlElement> XmlElement::children(std::string_view wanted) const {
  std::vector<XmlElement> found;
  for (const pugi::xml_node& child : node_of(node_).children())
    if (wanted == child.name()) found.push_back(XmlElement(child.internal_object()));
  return found;
}

XmlDocument::XmlDocument(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}
XmlDocument::XmlDocument(XmlDocument&&) noexcept = default;
XmlDocument& XmlDocument::operator=(XmlDocument&&) noexcept = default;
XmlDocument::~XmlDocument() = default;

Result<XmlDocument> XmlDocument::parse(std::string_view bytes) {
  auto tree = std::make_unique<Tree>();
  // A value may be nothing but blanks (an object's key, say), which pugixml drops unless told.
  const auto parsed = tree->document.load_buffer(
      bytes.data(), bytes.size(), pugi::parse_default | pugi::parse_ws_pcdata_single, pugi::encoding_utf8);
  if (!parsed)
    return Error{Code::kInvalidInput, std::string("not well-formed XML: ") + parsed.description(), "bad_xml"};
  return XmlDocument(std::move(tree));
}

XmlElement XmlDocument::root() const { return XmlElement(tree_->document.document_element().internal_object()); }

void append_xml_text(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\r': out += "&#xD;"; break;
      default: out += c;
    }
  }
}

}  // namespace facefleet::aws
