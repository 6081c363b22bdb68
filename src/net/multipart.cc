#include "net/multipart.h"

#include <algorithm>
#include <optional>

#include "base/limits.h"
#include "net/http.h"

namespace facefleet::net {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kBlank = " \t";
constexpr std::size_t kBoundaryBytes = 70;  // RFC 2046 section 5.1.1

Error malformed(std::string sentence) { return {Code::kInvalidInput, std::move(sentence), "malformed_multipart"}; }

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// RFC 9110 section 5.6.2.
bool is_token_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

struct Parameter {
  std::string_view name;
  std::string value;  // unquoted
};

// Reads the `; name=value` pairs that follow the first word of a header's value.
class Parameters {
 public:
  explicit Parameters(std::string_view text) : rest_(text) {}

  // The next one; nothing at the end or where the text is malformed, which good() tells apart.
  std::optional<Parameter> next() {
    skip_blank();
    if (rest_.empty()) return std::nullopt;
    good_ = false;
    if (rest_.front() != ';') return std::nullopt;
    rest_.remove_prefix(1);
    skip_blank();
    Parameter out;
    out.name = token();
    if (out.name.empty()) {
      good_ = rest_.empty();  // a last, lone semicolon is common and harmless
      return std::nullopt;
    }
    if (!rest_.starts_with('=')) return std::nullopt;
    rest_.remove_prefix(1);
    if (rest_.starts_with('"')) {
      if (!quoted(out.value)) return std::nullopt;
    } else {
      out.value = std::string(bare());
    }
    good_ = true;
    return out;
  }

  bool good() const { return good_; }

 private:
  void skip_blank() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlank), rest_.size())); }

  std::string_view token() {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_token_char);
    return take(static_cast<std::size_t>(end - rest_.begin()));
  }

  // An unquoted value: browsers and scripts put more than tokens there, so all up to `;`.
  std::string_view bare() { return trim(take(std::min(rest_.find(';'), rest_.size()))); }

  // A backslash escapes a quote or a backslash alone: some senders put Windows paths there as they are.
  bool quoted(std::string& out) {
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      const char c = rest_[i];
      if (c == '"') {
        rest_.remove_prefix(i + 1);
        return true;
      }
      const bool escape = c == '\\' && i + 1 < rest_.size() && (rest_[i + 1] == '"' || rest_[i + 1] == '\\');
      out += escape ? rest_[++i] : c;
    }
    return false;
  }

  std::string_view take(std::size_t size) {
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }

  std::string_view rest_;
  bool good_ = true;
};

Result<std::string> boundary_of(std::string_view content_type) {
  const Error none{Code::kInvalidInput,
                   "The body must be multipart/form-data and its Content-Type must name the boundary, such as "
                   "'multipart/form-data; boundary=XYZ'; most HTTP clients write this header themselves.",
                   "no_boundary"};
  const std::size_t semicolon = std::min(content_type.find(';'), content_type.size());
  if (!equal_ignoring_case(trim(content_type.substr(0, semicolon)), "multipart/form-data")) return none;
  Parameters parameters(content_type.substr(semicolon));
  std::string boundary;
  while (auto parameter = parameters.next())
    if (boundary.empty() && equal_ignoring_case(parameter->name, "boundary")) boundary = std::move(parameter->value);
  if (!parameters.good() || boundary.empty() || boundary.size() > kBoundaryBytes) return none;
  return boundary;
}

// The text of `filename*=UTF-8''na%C3%AFve.jpg` (RFC 8187); nothing where the form or the character set is another.
std::optional<std::string> extended_value(std::string_view value) {
  const std::size_t first = value.find('\'');
  const std::size_t second = first == std::string_view::npos ? first : value.find('\'', first + 1);
  if (second == std::string_view::npos || !equal_ignoring_case(value.substr(0, first), "utf-8")) return std::nullopt;
  return percent_decode(value.substr(second + 1));
}

Result<void> read_disposition(std::string_view value, Part& part) {
  const std::size_t semicolon = std::min(value.find(';'), value.size());
  if (!equal_ignoring_case(trim(value.substr(0, semicolon)), "form-data"))
    return malformed("A part's Content-Disposition must be 'form-data'.");
  std::optional<std::string> name, filename, extended;
  Parameters parameters(value.substr(semicolon));
  while (auto parameter = parameters.next()) {
    std::optional<std::string>* slot = nullptr;
    if (equal_ignoring_case(parameter->name, "name")) slot = &name;
    if (equal_ignoring_case(parameter->name, "filename")) slot = &filename;
    if (equal_ignoring_case(parameter->name, "filename*")) slot = &extended;
    if (!slot) continue;
    if (*slot) return malformed("A part's Content-Disposition has one parameter twice.");
    *slot = std::move(parameter->value);
  }
  if (!parameters.good()) return malformed("A part's Content-Disposition has a malformed parameter.");
  if (!name) return malformed("A part's Content-Disposition has no 'name'.");
  part.name = *std::move(name);
  part.is_file = filename || extended;
  if (extended) extended = extended_value(*extended);
  if (extended) {
    part.filename = *std::move(extended);
  } else if (filename) {
    part.filename = *std::move(filename);
  }
  return {};
}

// One header line of a part.
Result<void> read_field(std::string_view line, Part& part, bool& has_disposition) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return malformed("A part has a header line without a name.");
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim(line.substr(colon + 1));
  if (equal_ignoring_case(name, "Content-Disposition")) {
    if (has_disposition) return malformed("A part has two Content-Disposition headers.");
    has_disposition = true;
    return read_disposition(value, part);
  }
  if (equal_ignoring_case(name, "Content-Type")) part.content_type = std::string(value);
  if (equal_ignoring_case(name, "Content-Transfer-Encoding") && !equal_ignoring_case(value, "binary") &&
      !equal_ignoring_case(value, "8bit") && !equal_ignoring_case(value, "7bit"))
    return malformed("A part has a Content-Transfer-Encoding; send its bytes as they are (RFC 7578, section 4.7).");
  return {};
}

// Reads a part's header from the front of `rest` and leaves its content there.
Result<void> read_part_header(std::string_view& rest, Part& part) {
  bool has_disposition = false;
  std::size_t left = limits::kMultipartHeaderBytes;
  for (;;) {
    const std::size_t end = rest.substr(0, left).find(kLineEnd);
    if (end == std::string_view::npos)
      return malformed("A part's header has no end; its lines must end in CR LF and be short.");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + kLineEnd.size());
    left -= end + kLineEnd.size();
    if (line.empty()) break;
    auto read = read_field(line, part, has_disposition);
    if (!read) return read;
  }
  if (!has_disposition) return malformed("A part has no Content-Disposition header.");
  return {};
}

// Finds the lines that divide the parts.
class Delimiters {
 public:
  enum class Kind { kNone, kNext, kLast };

  explicit Delimiters(std::string_view boundary) : mark_(std::string(kLineEnd) + "--" + std::string(boundary)) {}

  // What `rest` begins with, given that it stands just behind a boundary; takes the rest of that line.
  static Kind take_line(std::string_view& rest) {
    if (rest.starts_with("--")) return Kind::kLast;
    const std::size_t end = std::min(rest.find_first_not_of(kBlank), rest.size());
    if (rest.substr(end, 2) != kLineEnd) return Kind::kNone;
    rest.remove_prefix(end + kLineEnd.size());
    return Kind::kNext;
  }

  // The first one, which may stand at the very start or behind a preamble.
  Kind first(std::string_view& rest) const {
    const std::string_view without_line_end = std::string_view(mark_).substr(kLineEnd.size());
    if (rest.starts_with(without_line_end)) {
      std::string_view behind = rest.substr(without_line_end.size());
      if (const Kind kind = take_line(behind); kind != Kind::kNone) {
        rest = behind;
        return kind;
      }
    }
    std::string_view preamble;
    return next(rest, preamble);
  }

  // Moves `rest` behind the next one; `before` is what stood before it.
  Kind next(std::string_view& rest, std::string_view& before) const {
    for (std::size_t from = 0;;) {
      const std::size_t at = rest.find(mark_, from);
      if (at == std::string_view::npos) return Kind::kNone;
      std::string_view behind = rest.substr(at + mark_.size());
      if (const Kind kind = take_line(behind); kind != Kind::kNone) {
        before = rest.substr(0, at);
        rest = behind;
        return kind;
      }
      from = at + mark_.size();
    }
  }

 private:
  std::string mark_;
};

}  // namespace

Result<std::vector<Part>> parse_multipart(std::string_view content_type, BytesView body, std::size_t parts_max) {
  const auto boundary = boundary_of(content_type);
  if (!boundary) return boundary.error();
  const Delimiters delimiters(*boundary);

  std::vector<Part> parts;
  std::string_view rest = body;
  auto kind = delimiters.first(rest);
  if (kind == Delimiters::Kind::kNone)
    return malformed("The body does not hold the boundary that its Content-Type names; lines must end in CR LF.");
  while (kind == Delimiters::Kind::kNext) {
    if (parts.size() == parts_max)
      return Error{Code::kInvalidInput,
                   "The body has more than " + std::to_string(parts_max) + " parts; send fewer at once.",
                   "too_many_parts"};
    Part part;
    if (auto read = read_part_header(rest, part); !read) return read.error();
    // An empty part's content shares its line end with the blank line that ends the header.
    rest = BytesView(rest.data() - kLineEnd.size(), rest.size() + kLineEnd.size());
    kind = delimiters.next(rest, part.body);
    if (kind == Delimiters::Kind::kNone) return malformed("The body ends before its closing boundary; send it whole.");
    part.body.remove_prefix(std::min(kLineEnd.size(), part.body.size()));
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace facefleet::net
