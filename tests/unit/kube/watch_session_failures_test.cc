// How a session goes on when something fails.

#include "lib/kube/watch_session.h"
#include "tests/unit/kube/watch_session_fixture.h"

namespace nodedevice::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class WatchSessionFailuresTest : public WatchSessionFixture {
 protected:
  // It waits between these; the other end is taken by a random part.
  void ExpectPause(Duration shortest, Duration longest) const {
    EXPECT_GE(Pause(), shortest);
    EXPECT_LE(Pause(), longest);
  }
};

TEST_F(WatchSessionFailuresTest, AVersionThatIsGoneIsListedFromAndThenTheNewest) {
  WatchingForAWhile();
  EXPECT_THAT(TellEnded(Error(410)), ElementsAre("List \"5\""));
  EXPECT_THAT(TellListFailed(Error(410)), ElementsAre("List \"\""));
  EXPECT_THAT(TellListed("9", {Object("a", "1"), Object("b", "2")}),
              ElementsAre("Synced", "Watch 9"));
}

TEST_F(WatchSessionFailuresTest, AVersionFromTheFutureIsAsGone) {
  WatchingForAWhile();
  TellEnded(Error(410));
  EXPECT_THAT(
      TellListFailed(ErrorOfAnswer(
          "GET /things", 504,
          R"({"kind":"Status","reason":"Timeout","message":"Too large resource version: 5"})")),
      ElementsAre("List \"\""));
}

TEST_F(WatchSessionFailuresTest, AnErrorFrameSaysThatItIsGone) {
  for (const char* reason : {"Expired", "Gone"}) {
    session_ = WatchSession(1);
    Watching();
    Pass(seconds(1));
    EXPECT_THAT(TellBytes(Frame("MODIFIED", Object("a", "6")) + ErrorFrame(410, reason) +
                          Frame("MODIFIED", Object("b", "7"))),
                ElementsAre("Upsert a 6", "CloseStream", "List \"6\""));
    EXPECT_EQ(session_.NextDeadline(), std::nullopt);
  }
}

TEST_F(WatchSessionFailuresTest, ANewestListThatIsGoneIsNotAskedForAtOnceAgain) {
  WatchingForAWhile();
  TellEnded(Error(410));
  TellListFailed(Error(410));
  EXPECT_THAT(TellListFailed(Error(410)), IsEmpty());
  ExpectPause(milliseconds(800), milliseconds(1600));
}

// The list is good, and the watch from there is told that its version is gone, over and over.
TEST_F(WatchSessionFailuresTest, AVersionThatIsGoneAsSoonAsItWasListedIsAskedForSlowly) {
  for (const bool in_a_frame : {true, false}) {
    session_ = WatchSession(1);
    Watching();
    for (const int shortest : {800, 1600, 3200}) {
      Pass(seconds(5));  // a server that is slow at that is no better
      EXPECT_THAT(in_a_frame ? TellBytes(ErrorFrame(410, "Expired")) : TellEnded(Error(410)),
                  in_a_frame ? Strings{"CloseStream"} : Strings());
      EXPECT_EQ(ApiErrorOf(session_.problem())->http_status, 410);
      ExpectPause(milliseconds(shortest), milliseconds(2 * shortest));
      EXPECT_THAT(TellLater(), ElementsAre("List \"5\""));
      EXPECT_THAT(TellListed("5", {Object("a", "1"), Object("b", "2")}),
                  ElementsAre("Synced", "Watch 5"));
      Tell(WatchSession::Opened{});
    }
  }
}

TEST_F(WatchSessionFailuresTest, AnotherErrorFrameIsAFailure) {
  Watching();
  EXPECT_THAT(TellBytes(ErrorFrame(500, "InternalError")), ElementsAre("CloseStream"));
  EXPECT_EQ(session_.problem().message(), "watch: 500 InternalError");
  ExpectPause(milliseconds(800), milliseconds(1600));
  EXPECT_THAT(TellLater(), ElementsAre("Watch 5"));
}

TEST_F(WatchSessionFailuresTest, FailuresOfAWatchKeepTheVersion) {
  for (const absl::Status& failure :
       {Error(401), Error(403), Error(429), Error(500), absl::UnavailableError("refused"),
        absl::DeadlineExceededError("no answer")}) {
    session_ = WatchSession(1);
    Watching();
    EXPECT_THAT(TellEnded(failure), IsEmpty()) << "what is known outlives it";
    EXPECT_EQ(session_.problem(), failure);
    ExpectPause(milliseconds(800), milliseconds(1600));
    EXPECT_THAT(TellLater(), ElementsAre("Watch 5")) << failure;
    EXPECT_EQ(session_.problem(), failure) << "until the server has accepted it";
    EXPECT_THAT(Tell(WatchSession::Opened{}), IsEmpty());
    EXPECT_TRUE(session_.problem().ok());
  }
}

TEST_F(WatchSessionFailuresTest, FailuresOfAListAreAskedAgain) {
  for (const absl::Status& failure :
       {Error(401), Error(403), Error(429), Error(500), absl::UnavailableError("refused")}) {
    session_ = WatchSession(1);
    Start();
    EXPECT_THAT(TellListFailed(failure), IsEmpty());
    EXPECT_EQ(session_.problem(), failure);
    EXPECT_THAT(TellLater(), ElementsAre("List \"0\""));
    EXPECT_EQ(session_.problem(), failure);
  }
  WatchingForAWhile();
  TellEnded(Error(410));
  TellListFailed(Error(500));
  EXPECT_THAT(TellLater(), ElementsAre("List \"5\"")) << "from the last version";
}

TEST_F(WatchSessionFailuresTest, AnAnswerThatIsNoListIsAFailure) {
  for (const Json& answer :
       {Json(), Json(7), Json::array(), Json::object(), Json({{"items", Json::array()}}),
        Json({{"metadata", {{"resourceVersion", "5"}}}}),
        Json({{"metadata", {{"resourceVersion", 5}}}, {"items", Json::array()}}),
        Json({{"metadata", {{"resourceVersion", "5"}}}, {"items", Json::object()}})}) {
    session_ = WatchSession(1);
    Start();
    EXPECT_THAT(Tell(WatchSession::Listed{answer}), IsEmpty()) << answer;
    EXPECT_EQ(session_.problem().message(), "the API server's answer is not a list");
    EXPECT_THAT(TellLater(), ElementsAre("List \"0\""));
  }
}

TEST_F(WatchSessionFailuresTest, AKindThatDoesNotExistIsAskedForSlowly) {
  Start();
  for (int i = 0; i < 10; ++i) {
    TellListFailed(Error(404));
    ExpectPause(seconds(30), seconds(60));
    EXPECT_THAT(TellLater(), ElementsAre("List \"0\""));
  }
  TellListed("5", Json::array({Object("a", "1")}));
  TellEnded(Error(404));
  ExpectPause(seconds(30), seconds(60));
  EXPECT_THAT(TellLater(), ElementsAre("List \"5\"")) << "it may be another kind of that name";
}

TEST_F(WatchSessionFailuresTest, TheServersWishToWaitIsHeard) {
  Watching();
  TellEnded(Error(429, "20"));
  ExpectPause(seconds(20), seconds(40));
  TellLater();
  TellEnded(Error(503, "25"));
  ExpectPause(seconds(25), seconds(50));
  TellLater();
  TellEnded(Error(429, "1"));
  ExpectPause(milliseconds(3200), milliseconds(6400));
}

TEST_F(WatchSessionFailuresTest, PausesDoubleUpToHalfAMinute) {
  Watching();
  for (const int shortest : {800, 1600, 3200, 6400, 12'800, 25'600, 30'000, 30'000}) {
    TellEnded(Error(500));
    ExpectPause(milliseconds(shortest), milliseconds(2 * shortest));
    EXPECT_THAT(TellLater(), ElementsAre("Watch 5"));
  }
}

TEST_F(WatchSessionFailuresTest, PausesOfNodesDiffer) {
  Watching();
  TellEnded(Error(500));
  const Duration first = Pause();
  session_ = WatchSession(2);
  Watching();
  TellEnded(Error(500));
  EXPECT_NE(Pause(), first);
}

TEST_F(WatchSessionFailuresTest, TwoMinutesOfHealthForgiveFailures) {
  Watching();
  for (int i = 0; i < 5; ++i) {
    TellEnded(Error(500));
    TellLater();
  }
  Tell(WatchSession::Opened{});
  Pass(minutes(2) - milliseconds(1));
  TellEnded(Error(500));
  ExpectPause(milliseconds(25'600), milliseconds(51'200));
  TellLater();
  Tell(WatchSession::Opened{});
  Pass(minutes(2));
  TellEnded(Error(500));
  ExpectPause(milliseconds(800), milliseconds(1600));
}

TEST_F(WatchSessionFailuresTest, HealthGoesOnThroughTheEndsOfStreams) {
  Watching();
  for (int i = 0; i < 5; ++i) {
    TellEnded(Error(500));
    TellLater();
  }
  for (int i = 0; i < 12; ++i) {
    Tell(WatchSession::Opened{});
    Pass(seconds(10));
    EXPECT_THAT(TellEnded(), ElementsAre("Watch 5"));
  }
  TellEnded(Error(500));
  ExpectPause(milliseconds(800), milliseconds(1600));
}

TEST_F(WatchSessionFailuresTest, AttemptsThatHangForMinutesAreNoHealth) {
  Watching();
  for (const int shortest : {800, 1600, 3200, 6400}) {
    Pass(minutes(3));
    TellEnded(absl::UnavailableError("connection timed out"));
    ExpectPause(milliseconds(shortest), milliseconds(2 * shortest));
    TellLater();
    EXPECT_FALSE(session_.problem().ok());
  }
}

TEST_F(WatchSessionFailuresTest, AnEmptyStreamThatIsClosedAtOnceIsAFailure) {
  Watching();
  Pass(milliseconds(999));
  EXPECT_THAT(TellEnded(), IsEmpty());
  EXPECT_EQ(session_.problem().message(), "the API server closed the watch at once");
  EXPECT_THAT(TellLater(), ElementsAre("Watch 5"));
  Pass(seconds(1));
  EXPECT_THAT(TellEnded(), ElementsAre("Watch 5"));
}

// No failure, since each of them brings something; but no loop as fast as the server answers.
TEST_F(WatchSessionFailuresTest, StreamsThatEndAtOnceAfterNewsAreOpenedOncePerSecond) {
  Watching();
  for (const char* version : {"6", "7", "7", "7"}) {
    Pass(milliseconds(10));
    TellBytes(Frame("MODIFIED", Object("a", version)));
    EXPECT_THAT(TellEnded(), IsEmpty());
    EXPECT_TRUE(session_.problem().ok());
    EXPECT_EQ(Pause(), milliseconds(990));
    EXPECT_THAT(TellLater(), ElementsAre(std::string("Watch ") + version));
  }
}

// A node whose clock stood still for five hours, or an agent that nobody let run: nothing counts
// what was missed, and the next attempt is due at once.
TEST_F(WatchSessionFailuresTest, GoesOnWhereItWasAfterHoursInWhichItWasNotRun) {
  using std::chrono::hours;
  Watching();
  Pass(hours(5));
  EXPECT_THAT(Tell(WatchSession::DeadlinePassed{}), ElementsAre("CloseStream"));
  EXPECT_THAT(TellLater(), ElementsAre("Watch 5"));
  EXPECT_THAT(TellEnded(Error(410)), ElementsAre("List \"5\""));
  EXPECT_THAT(TellListFailed(absl::UnavailableError("refused")), IsEmpty());
  Pass(hours(5));
  EXPECT_THAT(Tell(WatchSession::DeadlinePassed{}), ElementsAre("List \"5\""));
  EXPECT_THAT(TellListFailed(Error(410)), ElementsAre("List \"\""));
  EXPECT_THAT(TellListed("9", Json::array({Object("a", "8")})),
              ElementsAre("Upsert a 8", "Remove b", "Synced", "Watch 9"));
}

TEST_F(WatchSessionFailuresTest, PausesStayAsTheyAreHoweverLongTheServerIsAway) {
  Watching();
  TellEnded(absl::UnavailableError("refused"));
  for (int i = 0; i < 100'000; ++i) {
    TellLater();
    TellEnded(absl::UnavailableError("refused"));
  }
  ExpectPause(seconds(30), seconds(60));
}

TEST_F(WatchSessionFailuresTest, ASlowServerThatClosesAStreamAtOnceIsAFailureToo) {
  Watching();
  Pass(seconds(400));
  TellEnded();
  Pass(seconds(5));  // until the stream is open
  Tell(WatchSession::Opened{});
  EXPECT_THAT(TellEnded(), IsEmpty());
  EXPECT_EQ(session_.problem().message(), "the API server closed the watch at once");
}

// A node that comes back after an hour: what is gone there was not listed just now.
TEST_F(WatchSessionFailuresTest, AVersionThatIsGoneAfterAnOutageIsListedAtOnce) {
  Watching();
  TellEnded(absl::UnavailableError("refused"));
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(TellLater(), ElementsAre("Watch 5"));
    TellEnded(absl::UnavailableError("refused"));
  }
  TellLater();
  EXPECT_THAT(TellEnded(Error(410)), ElementsAre("List \"5\""));
}

TEST_F(WatchSessionFailuresTest, GarbageIsListedFromScratch) {
  Watching();
  EXPECT_THAT(TellBytes(Frame("MODIFIED", Object("a", "6")) + "garbage\n" +
                        Frame("MODIFIED", Object("a", "7"))),
              ElementsAre("Upsert a 6", "CloseStream"));
  EXPECT_TRUE(absl::IsDataLoss(session_.problem()));
  EXPECT_THAT(TellLater(), ElementsAre("List \"\"")) << "the same version may bring it again";
  EXPECT_THAT(TellListed("9", Json::array({Object("a", "6")})),
              ElementsAre("Remove b", "Synced", "Watch 9"));
  EXPECT_THAT(TellBytes(Frame("MODIFIED", Object("a", "10"))), ElementsAre("Upsert a 10"));
}

// The connection stands, and nobody answers on it: a load balancer whose server is gone.
TEST_F(WatchSessionFailuresTest, AWatchThatIsNotAcceptedIsGivenUpAfterAMinute) {
  Watching();
  TellEnded(absl::UnavailableError("refused"));
  for (const int shortest : {1600, 3200}) {
    EXPECT_THAT(TellLater(), ElementsAre("Watch 5"));
    EXPECT_EQ(Pause(), minutes(1));
    EXPECT_THAT(TellLater(), ElementsAre("CloseStream"));
    EXPECT_EQ(session_.problem().message(), "the API server does not answer the watch");
    ExpectPause(milliseconds(shortest), milliseconds(2 * shortest));
  }
}

TEST_F(WatchSessionFailuresTest, AWatchThatWasAcceptedHasItsWholeTimeFromThenOn) {
  Start();
  TellListed("5", Json::array());
  Pass(seconds(59));
  Tell(WatchSession::Opened{});
  EXPECT_GE(Pause(), minutes(5));
  Pass(Pause() - milliseconds(1));
  EXPECT_THAT(Tell(WatchSession::DeadlinePassed{}), IsEmpty());
  EXPECT_THAT(TellLater(), ElementsAre("CloseStream"));
}

TEST_F(WatchSessionFailuresTest, AStreamThatIsOverdueIsAbandonedAndWatchedAgain) {
  Watching();
  TellBytes(Frame("MODIFIED", Object("a", "6")));
  Pass(Pause() - milliseconds(1));
  EXPECT_THAT(Tell(WatchSession::DeadlinePassed{}), IsEmpty());
  EXPECT_THAT(TellLater(), ElementsAre("CloseStream"));
  EXPECT_EQ(session_.problem().message(), "the watch stands still: the connection is lost");
  EXPECT_THAT(TellEnded(), IsEmpty()) << "it was closed";
  EXPECT_THAT(TellLater(), ElementsAre("Watch 6"));
}

}  // namespace
}  // namespace nodedevice::testing
