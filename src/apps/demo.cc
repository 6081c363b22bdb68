#include "apps/demo.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <vector>

#include "base/file.h"
#include "net/http_client.h"

namespace facefleet::apps {
namespace {

namespace fs = std::filesystem;

constexpr Millis kTimeout{60'000};

std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) paths.push_back(entry.path());
  std::ranges::sort(paths);
  return paths;
}

Task<Result<net::HttpResponse>> post_photo(net::HttpClient& client, std::string target, const fs::path& photo) {
  auto bytes = read_file(photo);
  if (!bytes) co_return bytes.error();
  net::HttpRequest request;
  request.method = "POST";
  request.target = std::move(target);
  request.headers.set("Content-Type", photo.extension() == ".png" ? "image/png" : "image/jpeg");
  request.headers.set("Accept", "application/json");
  request.body = std::move(*bytes);
  co_return co_await client.send(std::move(request), kTimeout);
}

// Returns how many photos were enrolled or were there already.
Task<int> enrol_people(net::HttpClient& client, const fs::path& people) {
  int enrolled = 0;
  for (const auto& folder : sorted_entries(people)) {
    const std::string person = folder.filename().string();
    int photos = 0;
    for (const auto& photo : sorted_entries(folder)) {
      std::string target = "/v1/galleries/default/persons/" + net::percent_encode(person) + "/photos";
      auto response = co_await post_photo(client, std::move(target), photo);
      if (response && response->status < 300) {
        ++photos;
      } else {
        std::printf("demo: %s was not enrolled: %s\n", photo.filename().c_str(),
                    response ? response->body.c_str() : response.error().message.c_str());
      }
    }
    enrolled += photos;
    if (photos > 0) std::printf("demo: enrolled %s from %d photo%s\n", person.c_str(), photos, photos == 1 ? "" : "s");
  }
  co_return enrolled;
}

Task<> recognise_probes(net::HttpClient& client, const std::string& url, const fs::path& probes) {
  const auto photos = sorted_entries(probes);
  for (const auto& photo : photos) {
    auto response = co_await post_photo(client, "/v1/recognise", photo);
    if (!response || response->status != 200) {
      std::printf("demo: %s was not recognised: %s\n", photo.filename().c_str(),
                  response ? response->body.c_str() : response.error().message.c_str());
      continue;
    }
    std::string label;
    try {
      label = boost::json::parse(response->body).at("label").as_string().c_str();
    } catch (const std::exception& error) {
      label = std::string("an answer that cannot be read: ") + error.what();
    }
    std::printf("demo: %s shows %s\n", photo.filename().c_str(), label.c_str());
  }
  if (!photos.empty())
    std::printf("demo: try it yourself: curl -F inputFile=@%s %s/\n", photos.front().c_str(), url.c_str());
}

}  // namespace

Task<> run_demo(std::string url, fs::path photos, const Clock& clock, Log log) {
  const auto parsed = net::parse_url(url);
  if (!parsed) co_return;
  net::ClientOptions options;
  options.host = parsed->host;
  options.port = parsed->port;
  auto client = net::HttpClient::open(co_await asio::this_coro::executor, options);
  const MonoTime began = clock.now();
  const int enrolled = co_await enrol_people(*client, photos / "people");
  if (enrolled == 0) {
    std::printf("demo: nobody was enrolled from %s; `./dev build` fetches its photos\n", photos.c_str());
    std::fflush(stdout);
    co_return;
  }
  co_await recognise_probes(*client, url, photos / "probes");
  std::printf("demo: open %s/ and drop in photos of your own\n", url.c_str());
  std::fflush(stdout);
  const auto took = std::chrono::duration_cast<Millis>(clock.now() - began).count();
  log.info("demo done", {{"enrolled", enrolled}, {"took_ms", took}});
}

}  // namespace facefleet::apps
