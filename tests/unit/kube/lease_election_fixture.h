#pragma once

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/kube/api_error.h"
#include "lib/kube/lease_election.h"

namespace nodedevice::testing {

inline const absl::Status kDown = absl::UnavailableError("connection refused");
inline const absl::Status kConflict =
    ErrorOfAnswer("PUT /lease", 409, R"({"kind":"Status","reason":"Conflict"})");

// A candidate "me_1", told what happens, that says in short what is to be done: "Create" and
// "Replace" with the holder that they write.
class LeaseElectionFixture : public ::testing::Test {
 protected:
  using Json = nlohmann::json;
  using Strings = std::vector<std::string>;
  static Json Lease(const std::string& holder, int renewal, Json more = Json::object()) {
    Json spec = {{"holderIdentity", holder},
                 {"leaseDurationSeconds", 137},
                 {"leaseTransitions", 3},
                 {"acquireTime", "then"},
                 {"renewTime", std::to_string(renewal)}};
    spec.update(more);
    return Of(spec, std::to_string(renewal));
  }
  static Json Of(const Json& spec, const std::string& version = "of the test") {
    return {{"metadata", {{"name", "controller"}, {"resourceVersion", version}}}, {"spec", spec}};
  }
  static Json Released() { return Lease("", 9, {{"leaseDurationSeconds", 1}}); }

  Strings Tell(const LeaseElection::Event& event) {
    return Texts(election_.Handle(event, now_, WallTime() + std::chrono::seconds(1'767'323'045)));
  }
  Strings TellLooked(absl::StatusOr<Json> lease) {
    return Tell(LeaseElection::Looked{std::move(lease)});
  }
  Strings TellMissing() { return TellLooked(absl::NotFoundError("no such lease")); }
  Strings TellWritten(const absl::Status& status = absl::OkStatus()) {
    return Tell(LeaseElection::Written{status});
  }
  Strings TellStop() { return Tell(LeaseElection::StopRequested{}); }
  Strings TellLater() {
    EXPECT_TRUE(election_.NextDeadline().has_value());
    now_ = election_.NextDeadline().value_or(now_);
    return Tell(LeaseElection::DeadlinePassed{});
  }
  void LookLater() { ASSERT_THAT(TellLater(), ::testing::ElementsAre("Look")); }
  void Start() { ASSERT_THAT(Texts(election_.Start(now_)), ::testing::ElementsAre("Look")); }
  void LeadNow() {
    Start();
    ASSERT_THAT(TellMissing(), ::testing::ElementsAre("Create me_1"));
    ASSERT_THAT(TellWritten(), ::testing::ElementsAre("Lead"));
  }
  void StandBy() {
    Start();
    ASSERT_THAT(TellLooked(Lease("other_2", 1)), ::testing::IsEmpty());
  }

  Strings Texts(const std::vector<LeaseElection::Action>& actions) {
    struct Describe {
      std::string operator()(const LeaseElection::Look&) const { return "Look"; }
      std::string operator()(const LeaseElection::Create& create) const {
        return "Create " + Holder(create.lease);
      }
      std::string operator()(const LeaseElection::Replace& replace) const {
        return "Replace " + Holder(replace.lease);
      }
      std::string operator()(const LeaseElection::Lead&) const { return "Lead"; }
      std::string operator()(const LeaseElection::Lose& lose) const {
        return absl::StrCat("Lose: ", lose.why.message());
      }
      std::string operator()(const LeaseElection::Released&) const { return "Released"; }
      static std::string Holder(const Json& lease) { return lease["spec"]["holderIdentity"]; }
    };
    Strings texts;
    for (const LeaseElection::Action& action : actions) {
      texts.push_back(std::visit(Describe(), action));
      if (const auto* replace = std::get_if<LeaseElection::Replace>(&action)) {
        replaced_ = replace->lease;
      }
    }
    return texts;
  }

  LeaseElection election_{
      {.name_space = "ns", .name = "controller", .identity = "me_1"}, LeaseTimes(), 1};
  TimePoint now_ = TimePoint() + std::chrono::hours(1);
  Json replaced_;
};

}  // namespace nodedevice::testing
