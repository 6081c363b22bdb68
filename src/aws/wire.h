// The server's side of AWS's wire forms: the parameters of a call as one value, whether they came as a query form or as
// AWS JSON 1.0, and results and errors written in the form of the call. No business. Pure values and functions.
//
// Sources: botocore's protocol vectors (tests/unit/protocols) for the forms; SQS's recorded answers for its escapes:
// `"` as &quot; and carriage return as &#xD;, without which an XML parser loses a body's returns and its MD5 fails.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"

namespace facefleet::aws {

enum class Protocol { kQuery, kEc2, kJson, kS3, kCbor };

// A parameter: text, or a structure, list or map of further ones. Numbers and truth values are text here, as the query
// form has them; a list's entries are named by their place, "1", "2", ….
struct Parameter {
  struct Member;

  std::string text;
  std::vector<Member> members;

  const Parameter* find(std::string_view name) const;
  Parameter* find(std::string_view name);
  // The text of a member; nothing if there is none of that name.
  std::optional<std::string_view> text_of(std::string_view name) const;
  // The entries of a list, which the two forms name differently: `Entries: […]`, `SendMessageBatchRequestEntry.1=…`.
  // Members come in ascending order of place. Valid as long as this.
  std::vector<const Parameter*> list(std::string_view json_name, std::string_view query_name) const;
  std::vector<Parameter*> list(std::string_view json_name, std::string_view query_name);
  // The entries of a map: `Attributes: {"a": "b"}`, `Attribute.1.Name=a&Attribute.1.Value=b`.
  // A map of tags has Key in the place of Name.
  std::vector<std::pair<std::string, std::string>> map(std::string_view json_name, std::string_view query_name,
                                                       std::string_view key_name = "Name") const;
};

struct Parameter::Member {
  std::string name;
  Parameter value;
};

// `A.1.B=x&A.1.C=y` -> A{1{B=x, C=y}}. kInvalidInput: more than kDoorParameters of them.
Result<Parameter> parse_query(std::string_view form);
// An object, at most 32 deep; an empty body is an empty object. kInvalidInput: anything else.
Result<Parameter> parse_json(std::string_view body);

// Appends `text` as a JSON string, quotes included.
void append_json_string(std::string& out, std::string_view text);

// ASCII letters to lower case: names of headers compare so.
std::string lower_case(std::string_view text);

// Whether `text` is UTF-8 of the characters that XML 1.0 and SQS allow: tab, line feed, carriage return and all from
// U+0020 but surrogates, U+FFFE and U+FFFF.
bool is_xml_text(std::string_view text);

// XML, element by element. Names are the caller's, and not escaped.
class XmlWriter {
 public:
  explicit XmlWriter(std::string& out) : out_(out) {}
  void declaration() { out_ += "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"; }
  void open(std::string_view name) { out_.append("<").append(name).append(">"); }
  void open(std::string_view name, std::string_view xml_namespace) {
    out_.append("<").append(name).append(" xmlns=\"").append(xml_namespace).append("\">");
  }
  void close(std::string_view name) { out_.append("</").append(name).append(">"); }
  void text(std::string_view name, std::string_view value);
  void number(std::string_view name, std::int64_t value) { text(name, std::to_string(value)); }
  void boolean(std::string_view name, bool value) { text(name, value ? "true" : "false"); }

 private:
  std::string& out_;
};

// The result of an SQS action, in the form of the call: JSON, or the inside of the query form's <…Result>.
class ResultWriter {
 public:
  explicit ResultWriter(Protocol protocol) : json_(protocol == Protocol::kJson), xml_(out_) {
    if (json_) out_ += '{';
  }

  void text(std::string_view name, std::string_view value);
  void number(std::string_view name, std::int64_t value);
  void boolean(std::string_view name, bool value);

  // A list of structures, whose query form repeats an element without one around them all.
  void open_list(std::string_view json_name);
  void open_item(std::string_view xml_name);
  void close_item(std::string_view xml_name);
  void close_list();
  void text_item(std::string_view xml_name, std::string_view value);

  // A map: "Attributes": {"name": "value"}, or <Attribute><Name>name</Name><Value>value</Value></Attribute>.
  void open_map(std::string_view json_name);
  void entry(std::string_view xml_name, std::string_view name, std::string_view value,
             std::string_view key_name = "Name");
  // An entry whose value is a structure: "name": {…}, or <Name>name</Name><Value>…</Value>.
  void open_entry(std::string_view xml_name, std::string_view name);
  void close_entry(std::string_view xml_name);
  void close_map();

  // Ends the result; no further call.
  std::string take();

 private:
  void separate();

  std::string out_;
  const bool json_;
  XmlWriter xml_;
};

// What an answer of a door needs beside its result.
struct AnswerFrame {
  Protocol protocol = Protocol::kQuery;
  std::string_view xml_namespace;
  std::string_view request_id;
};

// <ActionResponse><ActionResult>…</ActionResult><ResponseMetadata>…, or the JSON as it is.
net::HttpResponse answer(const AnswerFrame& frame, std::string_view action, bool has_result, std::string result);

// What an Error is on the wire: an HTTP status, a code, and, in the JSON form, the shape that stands for the code
// there.
struct Fault {
  int status = 500;
  std::string code;
  std::string_view shape;  // empty: no other than the code
};
Fault fault_of(const Error& error);

// An Error whose `reason` is AWS's code (the query form's, where two exist), in the form of the call. A reason that is
// no code of AWS's becomes the general one of its Code. `resource` is for S3: what was asked for.
net::HttpResponse error_answer(const AnswerFrame& frame, const Error& error, std::string_view resource = {});

}  // namespace facefleet::aws
