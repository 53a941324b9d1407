#pragma once

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/kube/api_error.h"
#include "lib/kube/watch_session.h"

namespace nodedevice::testing {

// A session, told what happens, that says in short what is to be done.
class WatchSessionFixture : public ::testing::Test {
 protected:
  using Json = nlohmann::json;
  using Strings = std::vector<std::string>;

  static constexpr TimePoint kStart = TimePoint() + std::chrono::hours(1);

  static Json Object(const std::string& name, const std::string& version,
                     const std::string& uid = "u") {
    return {{"metadata", {{"name", name}, {"resourceVersion", version}, {"uid", uid}}}};
  }
  static std::string Frame(const std::string& type, const Json& object) {
    return Json({{"type", type}, {"object", object}}).dump() + "\n";
  }
  static std::string ErrorFrame(int code, const std::string& reason) {
    return Frame("ERROR", {{"kind", "Status"}, {"code", code}, {"reason", reason}});
  }
  static absl::Status Error(int http_status, const std::string& retry_after = "") {
    return ErrorOfAnswer("GET /things", http_status, "", retry_after);
  }

  static std::string Text(const WatchSession::Action& action) {
    struct Describe {
      std::string operator()(const WatchSession::List& list) const {
        return "List \"" + list.resource_version + "\"";
      }
      std::string operator()(const WatchSession::Watch& watch) const {
        EXPECT_GE(watch.timeout, std::chrono::seconds(300));
        EXPECT_LE(watch.timeout, std::chrono::seconds(600));
        return "Watch " + watch.resource_version;
      }
      std::string operator()(const WatchSession::CloseStream&) const { return "CloseStream"; }
      std::string operator()(const WatchSession::Upsert& upsert) const {
        return "Upsert " + upsert.key + " " +
               upsert.object["metadata"].value("resourceVersion", std::string("-"));
      }
      std::string operator()(const WatchSession::Remove& remove) const {
        return "Remove " + remove.key;
      }
      std::string operator()(const WatchSession::Synced&) const { return "Synced"; }
    };
    return std::visit(Describe(), action);
  }

  Strings Start() { return Texts(session_.Start(now_)); }
  Strings Tell(const WatchSession::Event& event) { return Texts(session_.Handle(event, now_)); }
  Strings TellListed(const std::string& version, const Json& items) {
    return Tell(
        WatchSession::Listed{{{"metadata", {{"resourceVersion", version}}}, {"items", items}}});
  }
  Strings TellListFailed(const absl::Status& status) {
    return Tell(WatchSession::ListFailed{status});
  }
  Strings TellBytes(const std::string& bytes) { return Tell(WatchSession::Received{bytes}); }
  Strings TellEnded(const absl::Status& status = absl::OkStatus()) {
    return Tell(WatchSession::Ended{status});
  }
  // Lets the deadline pass.
  Strings TellLater() {
    EXPECT_TRUE(session_.NextDeadline().has_value());
    now_ = session_.NextDeadline().value_or(now_);
    return Tell(WatchSession::DeadlinePassed{});
  }
  // How long it waits from now.
  Duration Pause() const { return session_.NextDeadline().value_or(now_) - now_; }
  void Pass(Duration time) { now_ += time; }

  // A session that has listed a and b at version 5 and watches.
  void Watching() {
    Start();
    TellListed("5", {Object("a", "1"), Object("b", "2")});
    Tell(WatchSession::Opened{});
    EXPECT_TRUE(session_.problem().ok());
  }

  // The same after its first stream, on which nothing came.
  void WatchingForAWhile() {
    Watching();
    Pass(std::chrono::seconds(400));
    EXPECT_EQ(TellEnded(), Strings{"Watch 5"});
    Tell(WatchSession::Opened{});
  }

  WatchSession session_{1};
  TimePoint now_ = kStart;

 private:
  static Strings Texts(const std::vector<WatchSession::Action>& actions) {
    Strings texts;
    texts.reserve(actions.size());
    for (const WatchSession::Action& action : actions) texts.push_back(Text(action));
    return texts;
  }
};

}  // namespace nodedevice::testing
