// What a session learns from lists and from a stream that goes well.

#include "lib/kube/watch_session.h"

#include <set>

#include "tests/unit/kube/watch_session_fixture.h"

namespace nodedevice::testing {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using WatchSessionTest = WatchSessionFixture;

TEST_F(WatchSessionTest, BeginsWithAListOfWhateverTheServerHas) {
  EXPECT_THAT(Start(), ElementsAre("List \"0\""));
  EXPECT_EQ(session_.NextDeadline(), std::nullopt);
  EXPECT_TRUE(absl::IsUnavailable(session_.problem()));
  EXPECT_THAT(TellListed("5", {Object("a", "1"), Object("b", "2")}),
              ElementsAre("Upsert a 1", "Upsert b 2", "Synced", "Watch 5"));
  EXPECT_TRUE(session_.problem().ok());
}

TEST_F(WatchSessionTest, AnEmptyListIsAListToo) {
  Start();
  EXPECT_THAT(TellListed("5", Json::array()), ElementsAre("Synced", "Watch 5"));
}

TEST_F(WatchSessionTest, KeysNameTheNamespace) {
  Start();
  Json object = Object("a", "1");
  object["metadata"]["namespace"] = "ns";
  EXPECT_THAT(TellListed("5", Json::array({object})),
              ElementsAre("Upsert ns/a 1", "Synced", "Watch 5"));
  EXPECT_THAT(TellBytes(Frame("DELETED", object)), ElementsAre("Remove ns/a"));
}

TEST_F(WatchSessionTest, EventsBecomeChanges) {
  Watching();
  EXPECT_THAT(TellBytes(Frame("ADDED", Object("c", "6")) + Frame("MODIFIED", Object("a", "7"))),
              ElementsAre("Upsert c 6", "Upsert a 7"));
  EXPECT_THAT(TellBytes(Frame("DELETED", Object("b", "8"))), ElementsAre("Remove b"));
  EXPECT_THAT(TellBytes(Frame("DELETED", Object("b", "8"))), IsEmpty()) << "it is gone already";
}

TEST_F(WatchSessionTest, AnEventCutInTwoIsOne) {
  Watching();
  const std::string frame = Frame("ADDED", Object("c", "6"));
  EXPECT_THAT(TellBytes(frame.substr(0, 20)), IsEmpty());
  EXPECT_THAT(TellBytes(frame.substr(20)), ElementsAre("Upsert c 6"));
}

TEST_F(WatchSessionTest, WhatIsKnownAlreadyIsSilent) {
  Watching();
  EXPECT_THAT(TellBytes(Frame("MODIFIED", Object("a", "1"))), IsEmpty());
  EXPECT_THAT(TellBytes(Frame("ADDED", Object("a", "1"))), IsEmpty());
  EXPECT_THAT(TellBytes(Frame("ADDED", Object("a", "1", "another"))), ElementsAre("Upsert a 1"))
      << "created anew";
}

TEST_F(WatchSessionTest, AnObjectWithoutAVersionIsAlwaysNews) {
  Watching();
  const Json object = {{"metadata", {{"name", "c"}}}};
  EXPECT_THAT(TellBytes(Frame("ADDED", object)), ElementsAre("Upsert c -"));
  EXPECT_THAT(TellBytes(Frame("MODIFIED", object)), ElementsAre("Upsert c -"));
}

TEST_F(WatchSessionTest, WhatIsNoObjectIsPassedOver) {
  Start();
  EXPECT_THAT(TellListed("5", {1,
                               nullptr,
                               "x",
                               Json::array(),
                               {{"metadata", 7}},
                               {{"metadata", {{"name", 7}}}},
                               {{"metadata", Json::object()}}}),
              ElementsAre("Synced", "Watch 5"));
  EXPECT_THAT(TellBytes(Frame("ADDED", {{"metadata", 7}}) + Frame("DELETED", Json::object())),
              IsEmpty());
}

TEST_F(WatchSessionTest, EveryFrameMovesTheVersionABookmarkToo) {
  Watching();
  const auto version_after = [&](const std::string& frames) {
    TellBytes(frames);
    Pass(seconds(400));
    return TellEnded();
  };
  EXPECT_THAT(version_after(Frame("MODIFIED", Object("a", "6"))), ElementsAre("Watch 6"));
  EXPECT_THAT(version_after(Frame("DELETED", Object("a", "7"))), ElementsAre("Watch 7"));
  EXPECT_THAT(version_after(Frame("BOOKMARK", {{"metadata", {{"resourceVersion", "8"}}}})),
              ElementsAre("Watch 8"));
  EXPECT_THAT(version_after(Frame("BOOKMARK", Json::object())), ElementsAre("Watch 8"));
  EXPECT_THAT(version_after(""), ElementsAre("Watch 8")) << "a quiet time is no failure";
  EXPECT_TRUE(session_.problem().ok());
}

TEST_F(WatchSessionTest, AnEndAtOnceAfterNewsIsNoFailure) {
  Watching();
  TellBytes(Frame("MODIFIED", Object("a", "6")));
  TellEnded();
  EXPECT_TRUE(session_.problem().ok());
  EXPECT_EQ(Pause(), seconds(1)) << "from the beginning of the stream on";
  EXPECT_THAT(TellLater(), ElementsAre("Watch 6"));
}

TEST_F(WatchSessionTest, WatchesLastFiveToTenMinutesAndNotAllTheSame) {
  std::set<Duration> deadlines;
  Watching();
  for (int i = 0; i < 100; ++i) {
    // The guard is half a minute longer than what the server was asked for.
    EXPECT_GE(Pause(), seconds(330));
    EXPECT_LE(Pause(), seconds(630));
    deadlines.insert(Pause());
    Pass(seconds(300));
    EXPECT_THAT(TellEnded(), ElementsAre("Watch 5"));
    Tell(WatchSession::Opened{});
  }
  EXPECT_GT(deadlines.size(), 20u);
  EXPECT_LT(*deadlines.begin(), seconds(360));
  EXPECT_GT(*deadlines.rbegin(), seconds(600));
}

TEST_F(WatchSessionTest, AFrameLeftIncompleteByAStreamIsNotContinuedByTheNext) {
  Watching();
  const std::string frame = Frame("ADDED", Object("c", "6"));
  TellBytes(frame.substr(0, 20));
  Pass(seconds(400));
  TellEnded();
  EXPECT_THAT(TellBytes(frame), ElementsAre("Upsert c 6"));
}

TEST_F(WatchSessionTest, ANewListTellsWhatChangedAndWhatIsGone) {
  WatchingForAWhile();
  EXPECT_THAT(TellEnded(Error(410)), ElementsAre("List \"5\""));
  EXPECT_THAT(TellListed("9", {Object("a", "1"), Object("c", "3")}),
              ElementsAre("Upsert c 3", "Remove b", "Synced", "Watch 9"));
}

TEST_F(WatchSessionTest, ANewListTellsAnObjectThatWasCreatedAnew) {
  WatchingForAWhile();
  TellEnded(Error(410));
  EXPECT_THAT(TellListed("9", {Object("a", "1", "another"), Object("b", "2")}),
              ElementsAre("Upsert a 1", "Synced", "Watch 9"));
}

TEST_F(WatchSessionTest, WhatDoesNotBelongToThePhaseIsIgnored) {
  Start();
  EXPECT_THAT(TellBytes(Frame("ADDED", Object("c", "6"))), IsEmpty());
  EXPECT_THAT(TellEnded(), IsEmpty());
  EXPECT_THAT(Tell(WatchSession::Opened{}), IsEmpty());
  EXPECT_THAT(Tell(WatchSession::DeadlinePassed{}), IsEmpty());
  EXPECT_FALSE(session_.problem().ok());
  TellListed("5", Json::array({Object("a", "1")}));
  EXPECT_THAT(TellListed("6", Json::array()), IsEmpty());
  EXPECT_THAT(TellListFailed(Error(500)), IsEmpty());
  EXPECT_THAT(Tell(WatchSession::DeadlinePassed{}), IsEmpty()) << "not due";
  TellEnded(Error(500));
  const absl::Status problem = session_.problem();
  EXPECT_THAT(TellBytes(Frame("ADDED", Object("c", "6"))), IsEmpty());
  EXPECT_THAT(TellEnded(Error(410)), IsEmpty());
  EXPECT_THAT(Tell(WatchSession::Opened{}), IsEmpty());
  EXPECT_THAT(TellListed("6", Json::array()), IsEmpty());
  EXPECT_EQ(session_.problem(), problem);
  EXPECT_THAT(TellLater(), ElementsAre("Watch 5"));
}

}  // namespace
}  // namespace nodedevice::testing
