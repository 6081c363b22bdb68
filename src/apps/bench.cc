// facefleet bench: how fast this machine computes, without anything round it.
#include <time.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/command.h"
#include "apps/pipeline_options.h"
#include "apps/place.h"
#include "apps/role.h"
#include "base/file.h"
#include "tools/photo_source.h"

namespace facefleet::apps {
namespace {

constexpr std::size_t kWarmUpPhotos = 10;

struct Flags {
  std::string images, json, precision;
  std::string profile = "default";
  std::size_t count = 200;
  bool all_faces = false;
};

double process_cpu_ms() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

double milliseconds_since(std::chrono::steady_clock::time_point begun) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// `count` photos, evenly spread over those of the folder or ZIP file; again from the first where there are fewer.
Result<std::vector<Bytes>> read_photos(const std::string& images, std::size_t count) {
  const auto source = tools::PhotoSource::open(images, {});
  if (!source) return source.error();
  const std::size_t there = (*source)->entries().size();
  if (there == 0) return Error{Code::kNotFound, "there are no photos in " + images, "no_photos"};
  std::vector<Bytes> photos;
  for (std::size_t i = 0; i < count; ++i) {
    if (i >= there) {
      photos.push_back(photos[i % there]);
      continue;
    }
    auto photo = (*source)->read(there > count ? i * there / count : i);
    if (!photo) return photo.error();
    photos.push_back(std::move(*photo));
  }
  return photos;
}

struct Figures {
  std::vector<double> cpu_ms, wall_ms, decode_ms, detect_ms, align_ms, embed_ms;
  double seconds = 0;
  std::size_t faces = 0, refused = 0;
};

Figures measure(vision::Pipeline& pipeline, const std::vector<Bytes>& photos, const vision::AnalyseOptions& options) {
  for (std::size_t i = 0; i < kWarmUpPhotos; ++i) (void)pipeline.analyse(photos[i % photos.size()], options);
  Figures out;
  const auto begun = std::chrono::steady_clock::now();
  for (const Bytes& photo : photos) {
    const double cpu_before = process_cpu_ms();
    const auto wall_before = std::chrono::steady_clock::now();
    const auto analysis = pipeline.analyse(photo, options);
    out.wall_ms.push_back(milliseconds_since(wall_before));
    out.cpu_ms.push_back(process_cpu_ms() - cpu_before);
    if (!analysis) {
      ++out.refused;
      continue;
    }
    out.faces += analysis->faces.size();
    out.decode_ms.push_back(analysis->timings.decode_ms);
    out.detect_ms.push_back(analysis->timings.detect_ms);
    out.align_ms.push_back(analysis->timings.align_ms);
    out.embed_ms.push_back(analysis->timings.embed_ms);
  }
  out.seconds = milliseconds_since(begun) / 1e3;
  return out;
}

boost::json::object to_json(const Figures& figures, const vision::Pipeline& pipeline) {
  boost::json::object stages;
  stages["decode"] = median(figures.decode_ms);
  stages["detect"] = median(figures.detect_ms);
  stages["align"] = median(figures.align_ms);
  stages["embed"] = median(figures.embed_ms);
  boost::json::object out;
  out["photos_per_s"] = static_cast<double>(figures.cpu_ms.size()) / figures.seconds;
  out["cpu_ms_per_photo"] = median(figures.cpu_ms);
  out["wall_ms_per_photo"] = median(figures.wall_ms);
  out["stages_ms"] = std::move(stages);
  out["photos"] = figures.cpu_ms.size();
  out["faces"] = figures.faces;
  out["refused"] = figures.refused;
  out["embedder"] = pipeline.embedder_version();
  out["precision"] = pipeline.precision();
  return out;
}

void print(const boost::json::object& figures) {
  const auto number = [](const boost::json::value& value) { return value.to_number<double>(); };
  const boost::json::object& stages = figures.at("stages_ms").as_object();
  std::printf("%s in %s, one thread: %.1f photos/s, %.2f ms of CPU a photo (median)\n",
              figures.at("embedder").as_string().c_str(), figures.at("precision").as_string().c_str(),
              number(figures.at("photos_per_s")), number(figures.at("cpu_ms_per_photo")));
  std::printf("decode %.3f ms, detect %.3f ms, align %.3f ms, embed %.3f ms (medians)\n", number(stages.at("decode")),
              number(stages.at("detect")), number(stages.at("align")), number(stages.at("embed")));
  std::printf("%.0f photos, %.0f faces, %.0f refused\n", number(figures.at("photos")), number(figures.at("faces")),
              number(figures.at("refused")));
}

int run_vision(const Flags& flags) {
  const auto loaded = load_profile_by_name(flags.profile);
  if (!loaded) return refuse(loaded.error());
  auto options = pipeline_options(loaded->profile, {});
  if (!options) return refuse(options.error());
  if (flags.precision == "f32") options->embedder_precision = vision::Precision::kF32;
  if (flags.precision == "bf16") options->embedder_precision = vision::Precision::kBf16;
  const auto photos = read_photos(flags.images, flags.count);
  if (!photos) return refuse(photos.error());
  const auto pipeline = vision::Pipeline::open(*options);
  if (!pipeline) return refuse(pipeline.error());
  vision::AnalyseOptions how;
  how.embed_all = flags.all_faces;
  const Figures figures = measure(**pipeline, *photos, how);
  if (figures.decode_ms.empty())
    return refuse({Code::kInvalidInput, "none of the files in " + flags.images + " is a photo", "no_photos"});
  const boost::json::object report = to_json(figures, **pipeline);
  print(report);
  if (flags.json.empty()) return 0;
  const auto written = write_file_atomic(flags.json, boost::json::serialize(report) + "\n");
  return written ? 0 : refuse(written.error());
}

}  // namespace

Command add_bench(CLI::App& root) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* app = root.add_subcommand("bench", "Measure how fast this machine recognises");
  app->require_subcommand(1);
  CLI::App* vision = app->add_subcommand("vision", "photos in memory to the main face's embedding, on one thread");
  vision->add_option("--images", flags->images, "folder or ZIP file of photos")->required()->check(CLI::ExistingPath);
  vision->add_option("--count", flags->count, "photos to measure, spread over those there are")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  vision->add_option("--json", flags->json, "also write the figures to this file");
  vision->add_option("--profile", flags->profile, "whose models")->capture_default_str();
  vision->add_option("--precision", flags->precision, "of the embedder, in place of the profile's")
      ->check(CLI::IsMember({"f32", "bf16"}));
  vision->add_flag("--all-faces", flags->all_faces, "embed every face, as the service does, not the main one alone");
  return {app, [flags] { return run_vision(*flags); }};
}

}  // namespace facefleet::apps
