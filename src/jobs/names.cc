#include "jobs/job.h"

namespace facefleet::jobs {

std::string photo_key(std::string_view job_id) { return "photos/" + std::string(job_id); }

std::string outcome_key(std::string_view job_id) { return "outcomes/" + std::string(job_id); }

std::string reuse_key(std::string_view photo_sha256_hex, std::string_view gallery) {
  return "reuse/" + std::string(photo_sha256_hex) + "-" + std::string(gallery);
}

std::string_view stem(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot == 0 ? name : name.substr(0, dot);
}

Names::Names(std::string_view id)
    : request_queue(std::string(id) + "-req-queue"),
      response_queue(std::string(id) + "-resp-queue"),
      dead_queue(std::string(id) + "-dead-queue"),
      in_bucket(std::string(id) + "-in-bucket"),
      out_bucket(std::string(id) + "-out-bucket"),
      job_bucket(std::string(id) + "-jobs"),
      gallery_bucket(std::string(id) + "-galleries") {}

}  // namespace facefleet::jobs
