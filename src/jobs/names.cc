#include "jobs/job.h"

namespace facefleet::jobs {
namespace {

std::string expanded(std::string form, std::string_view id) {
  constexpr std::string_view kId = "{id}";
  for (std::size_t at = form.find(kId); at != std::string::npos; at = form.find(kId, at + id.size()))
    form.replace(at, kId.size(), id);
  return form;
}

}  // namespace

std::string photo_key(std::string_view job_id) { return std::string(kPhotoPrefix).append(job_id); }

std::string outcome_key(std::string_view job_id) { return std::string(kOutcomePrefix).append(job_id); }

std::string reuse_key(std::string_view photo_sha256_hex, std::string_view gallery) {
  return std::string(kReusePrefix).append(photo_sha256_hex).append("-").append(gallery);
}

std::string_view stem(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot == 0 ? name : name.substr(0, dot);
}

Names::Names(std::string_view id, const NameForms& forms)
    : request_queue(expanded(forms.request_queue, id)),
      response_queue(expanded(forms.response_queue, id)),
      dead_queue(std::string(id) + "-dead-queue"),
      in_bucket(expanded(forms.in_bucket, id)),
      out_bucket(expanded(forms.out_bucket, id)),
      job_bucket(std::string(id) + "-jobs"),
      gallery_bucket(std::string(id) + "-galleries") {}

}  // namespace facefleet::jobs
