// The actions of S3 that this door knows: one file each (tiny twins share one), one row each in actions.cc.
#pragma once

#include <string_view>

#include "localcloud/s3/call.h"

namespace facefleet::localcloud::s3 {

// Does the action. An Error's reason is S3's code.
using Perform = Task<Result<net::HttpResponse>> (*)(Call& call);

// What a request's path names.
enum class Level { kService, kBucket, kObject };

struct Action {
  std::string_view method;
  Level level;
  std::string_view subresource;  // the query parameter that makes it this action; empty: none
  Perform perform;
  bool copies = false;  // whether it has x-amz-copy-source
};

// The action that a call is for. NotImplemented if it is one of S3's that this door does not know, MethodNotAllowed if
// it is nobody's.
Result<const Action*> find_action(const Call& call);

Task<Result<net::HttpResponse>> abort_multipart_upload(Call& call);
Task<Result<net::HttpResponse>> complete_multipart_upload(Call& call);
Task<Result<net::HttpResponse>> copy_object(Call& call);
Task<Result<net::HttpResponse>> create_bucket(Call& call);
Task<Result<net::HttpResponse>> create_multipart_upload(Call& call);
Task<Result<net::HttpResponse>> delete_bucket(Call& call);
Task<Result<net::HttpResponse>> delete_object(Call& call);
Task<Result<net::HttpResponse>> delete_objects(Call& call);
Task<Result<net::HttpResponse>> get_bucket_location(Call& call);
Task<Result<net::HttpResponse>> get_object(Call& call);
Task<Result<net::HttpResponse>> head_bucket(Call& call);
Task<Result<net::HttpResponse>> head_object(Call& call);
Task<Result<net::HttpResponse>> list_buckets(Call& call);
Task<Result<net::HttpResponse>> list_multipart_uploads(Call& call);
Task<Result<net::HttpResponse>> list_object_versions(Call& call);
Task<Result<net::HttpResponse>> list_objects(Call& call);
Task<Result<net::HttpResponse>> list_parts(Call& call);
Task<Result<net::HttpResponse>> put_object(Call& call);
Task<Result<net::HttpResponse>> upload_part(Call& call);
Task<Result<net::HttpResponse>> upload_part_copy(Call& call);

}  // namespace facefleet::localcloud::s3
