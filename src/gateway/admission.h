// Who may come in, decided from a request's header alone, before a byte of its body is read: cheapest check first.
#pragma once

#include <string>

#include "gateway/replies.h"
#include "gateway/routes.h"
#include "net/http_server.h"

namespace facefleet::gateway {

// kInvalidInput with a sentence saying what to do, if these options would let strangers in from other machines.
Result<void> check_exposure(const Options& options);

// The verdict on a header: how large its body may be, or a refusal.
net::Admission admit(Service& service, const net::HttpRequest& request);

// The API key that a request carries; null where it carries none that is known.
const ApiKey* find_key(const Service& service, const net::HttpRequest& request);

// The form in which an error of this request is told: POST / speaks the profile's, all others JSON.
Form error_form(const Service& service, const net::HttpRequest& request, const Route* route);

}  // namespace facefleet::gateway
