// What callers read: outcomes and errors, in the form that they asked for. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "jobs/job.h"
#include "jobs/json_writer.h"
#include "net/http.h"

namespace facefleet::gateway {

enum class Form {
  kText,        // `<stem>:<label>`
  kFile,        // `<file name>:<label>`
  kLabel,       // `<label>`
  kJsonString,  // `"<label>"`: the label as a JSON string; errors as kJson
  kJson,
};

// Of a request to POST /: what `Accept` names, else what the profile says ("text", "file", "label", "json_string",
// "json").
Form form_of(std::string_view profile_form, std::optional<std::string_view> accept);

// The status for an error: by its reason where that says more than its code.
int http_status(const Error& error);

// What an endpoint's error is to its caller. Whom this service does not serve, admit() has turned away: what is denied
// later, queue or store deny to this gateway, and its caller may ask again.
Error told_to_caller(Error error);

// The one error envelope, or (kText, kFile, kLabel) its sentence and reason as plain text.
net::HttpResponse error_response(const Error& error, std::string_view request_id, Form form = Form::kJson);

// The error that an outcome holds; nothing if the photo was recognised.
std::optional<Error> error_of(const jobs::Outcome& outcome);

// An outcome as the API shows it: every face with its box in pixels and as fractions of the photo's size, landmarks,
// score and matches, and the time of each stage. `total_ms`: from the photo's arrival to this reply; absent if unknown.
void write_outcome(jobs::JsonWriter& out, const jobs::Outcome& outcome, std::optional<double> total_ms);

// Writes `error` as a member "error" of the object that is open.
void write_error(jobs::JsonWriter& out, const Error& error);

}  // namespace facefleet::gateway
