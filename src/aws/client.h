// One AWS service at one endpoint: signs, sends, retries (jitter, a budget), and turns AWS's error forms
// into Error. No business: adapters (queue/backends/sqs, store/backends/s3, fleet/backends/ec2) say what to send.
// Thread rule: base/task.h.
#pragma once

#include <memory>
#include <string>

#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/task.h"
#include "net/http.h"

namespace facefleet::aws {

struct Endpoint {
  std::string url = "http://127.0.0.1:9324";  // http://host:port or https://…
  std::string region = "us-east-1";
  Credentials credentials;
  std::string user_agent = "facefleet";
};

// What a process is told in its environment: AWS_ENDPOINT_URL, AWS_REGION or AWS_DEFAULT_REGION,
// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; AWS_ENDPOINT_URL_<SERVICE> wins for that service
// (`service`: "sqs", "s3", "ec2"). kInvalidInput says which is missing.
Result<Endpoint> endpoint_from_environment(const std::string& service);

class Client {
 public:
  static Result<std::unique_ptr<Client>> open(const Executor& executor, Endpoint endpoint, std::string service,
                                              const Clock& clock, Random& random);
  virtual ~Client() = default;

  virtual const std::string& region() const = 0;

  // Signs and sends; 2xx and 304 are results, everything else an Error whose `reason` is AWS's code
  // (`NoSuchKey`, `AWS.SimpleQueueService.NonExistentQueue`, `InsufficientInstanceCapacity`) and whose Code says what
  // to do (error_forms.h). kUnavailable, throttling and 5xx are retried while the time-out lasts, if `idempotent`.
  // Host, User-Agent and the signature's headers are added. Cancellation closes the connection.
  virtual Task<Result<net::HttpResponse>> call(net::HttpRequest request, Millis timeout, bool idempotent) = 0;
};

}  // namespace facefleet::aws
