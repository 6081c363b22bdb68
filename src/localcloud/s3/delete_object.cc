#include "localcloud/s3/actions.h"

namespace facefleet::localcloud::s3 {

Task<Result<net::HttpResponse>> delete_object(Call& call) {
  std::vector<std::string> keys{call.key};
  const auto removed = co_await call.service.store.remove(call.bucket, std::move(keys));
  if (!removed) co_return from_store(removed.error());
  co_return no_content();
}

}  // namespace facefleet::localcloud::s3
