#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/inquiry_schedule.h"
#include "agent/snapshot.h"
#include "lib/base/event_loop.h"
#include "lib/base/worker.h"
#include "lib/kube/api_client.h"

namespace nodedevice {

// Asks the API why the Device Manager of this node is down, when it has been so for a while, and
// tells what agent/missing_manager.h makes of the answer. An API that does not answer takes back
// what was told before: it may be old.
//
// Loop thread only; the asking is done by the worker.
class ManagerInquiry {
 public:
  using OnExplained = std::function<void(std::vector<std::string>)>;

  // `on_explained` is never called while the Device Manager is up.
  ManagerInquiry(EventLoop& loop, Worker& worker, ApiClient& client, std::string node_name,
                 OnExplained on_explained, std::uint32_t seed,
                 Backoff pauses = InquirySchedule::kPauses);
  ~ManagerInquiry() { *alive_ = false; }
  ManagerInquiry(const ManagerInquiry&) = delete;
  ManagerInquiry& operator=(const ManagerInquiry&) = delete;

  // To be called for each snapshot that is published.
  void Observe(const DeviceManagerStatus& manager);

 private:
  struct Answer {
    absl::StatusOr<std::vector<std::string>> explanation;
    std::string refused;  // what the agent may not read
  };
  static Answer Inquire(ApiClient& client, const std::string& node_name);

  void AskWhenDue();
  void OnAnswer(std::optional<TimePoint> down_since, Answer answer);

  EventLoop& loop_;
  Worker& worker_;
  ApiClient& client_;
  const std::string node_name_;
  const OnExplained on_explained_;
  std::optional<TimePoint> down_since_;  // nullopt: it is up
  std::string refused_;                  // as it was logged
  InquirySchedule schedule_;
  Timer timer_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace nodedevice
