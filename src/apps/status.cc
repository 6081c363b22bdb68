// facefleet status: queue, workers and the autoscaler's reason of a running system, for a terminal.
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>

#include "apps/command.h"
#include "apps/role.h"
#include "net/http_client.h"

namespace facefleet::apps {
namespace {

namespace json = boost::json;

constexpr Millis kTimeout{10'000};

struct Flags {
  std::string url = "http://127.0.0.1:8000";
  std::string key;
  bool as_json = false;
};

std::string text_of(const json::value& value) {
  if (value.is_string()) return std::string(value.as_string());
  if (!value.is_double()) return json::serialize(value);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value.as_double());
  return text.data();
}

void print_queue(const json::object& queues, const char* name) {
  const json::object& counts = queues.at(name).as_object();
  std::printf("%-9s queue  %8s waiting  %6s in work  %6s delayed\n", name, text_of(counts.at("visible")).c_str(),
              text_of(counts.at("in_flight")).c_str(), text_of(counts.at("delayed")).c_str());
}

// As the page calls it.
std::string state_of(const json::object& instance) {
  std::string state = text_of(instance.at("state")), worker = text_of(instance.at("worker"));
  if (state == "running") return worker == "unknown" ? "starting" : worker;
  return state == "shutting-down" ? "draining" : state;
}

// Why an instance is as it is: its own reason, or for how long it has been on its way.
std::string why_of(const json::object& instance, const json::object& status) {
  if (text_of(instance.at("state")) != "pending") return text_of(instance.at("state_reason"));
  const auto since =
      status.at("now_ms").to_number<std::int64_t>() - instance.at("launched_ms").to_number<std::int64_t>();
  return "pending for " + std::to_string(since / 1'000) + " s";
}

// "2 pending, 3 busy"
std::string by_state(const json::array& instances) {
  std::string text;
  for (const char* state : {"pending", "starting", "idle", "busy", "draining", "stopping", "stopped"}) {
    const auto count = std::ranges::count_if(
        instances, [&](const json::value& instance) { return state_of(instance.as_object()) == state; });
    if (count > 0) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + state;
  }
  return text.empty() ? "none" : text;
}

void print_status(const json::object& status) {
  const auto line = [&](const char* name) { return text_of(status.at(name)); };
  std::printf("facefleet %s, system %s, profile %s: %s\n", line("version").c_str(), line("system").c_str(),
              line("profile").c_str(),
              status.at("draining").as_bool() ? "leaving"
              : status.at("ready").as_bool()  ? "ready"
                                              : "not ready yet");
  const json::object& queues = status.at("queues").as_object();
  for (const char* name : {"request", "response", "dead"}) print_queue(queues, name);
  std::printf("answered %s so far, %s a second; a photo takes a worker %s ms\n", line("answered").c_str(),
              line("answers_per_s").c_str(), line("service_ms").c_str());
  const json::object& fleet = status.at("fleet").as_object();
  const json::array& instances = fleet.at("instances").as_array();
  std::printf("workers, at most %s: %s\n", text_of(fleet.at("cap")).c_str(), by_state(instances).c_str());
  for (const auto& item : instances) {
    const json::object& instance = item.as_object();
    std::printf("  %-24s %-20s %-9s %8s jobs  %s\n", text_of(instance.at("name")).c_str(),
                text_of(instance.at("id")).c_str(), state_of(instance).c_str(),
                text_of(instance.at("jobs_done")).c_str(), why_of(instance, status).c_str());
  }
  if (const auto* autoscaler = status.at("autoscaler").if_object()) {
    std::printf("autoscaler (%s) wants %s: %s\n", text_of(autoscaler->at("policy")).c_str(),
                text_of(autoscaler->at("target")).c_str(), text_of(autoscaler->at("reason")).c_str());
    if (const auto* trouble = autoscaler->if_contains("trouble"); trouble != nullptr && !text_of(*trouble).empty())
      std::printf("  but %s\n", text_of(*trouble).c_str());
  }
}

Task<Result<void>> show(Role& role, Flags flags) {
  const auto url = net::parse_url(flags.url);
  if (!url) co_return url.error();
  const auto client = net::HttpClient::open(role.context.get_executor(), net::options_for(*url));
  net::HttpRequest request;
  request.target = "/v1/status";
  if (!flags.key.empty()) request.headers.set("Authorization", "Bearer " + flags.key);
  auto response = co_await client->send(std::move(request), kTimeout);
  if (!response)
    co_return Error{Code::kUnavailable,
                    "no system answers at " + flags.url + " (" + response.error().message +
                        "); start one with `facefleet up`, or name it with --url",
                    ""};
  if (response->status != 200) co_return Error{Code::kDenied, flags.url + " answered: " + response->body, ""};
  if (flags.as_json) {
    std::printf("%s\n", response->body.c_str());
    co_return Result<void>();
  }
  try {
    print_status(json::parse(response->body).as_object());
  } catch (const std::exception& error) {
    co_return Error{Code::kInvalidInput, flags.url + " gave no status that can be read: " + error.what(), ""};
  }
  co_return Result<void>();
}

}  // namespace

Command add_status(CLI::App& root) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app = root.add_subcommand("status", "show queue, workers and the autoscaler's reason");
  app->add_option("--url", flags->url, "the system")->capture_default_str();
  app->add_option("--key", flags->key, "an API key with the scope read")->envname("FACEFLEET_KEY");
  app->add_flag("--json", flags->as_json, "as the API gives it");
  return {app, [flags] {
            Role role("status");
            return run_role(role, show(role, *flags), [&] { role.context.stop(); });
          }};
}

}  // namespace facefleet::apps
