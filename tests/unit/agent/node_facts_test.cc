#include "agent/node_facts.h"

#include "tests/unit/agent/api_fixture.h"

namespace nodedevice::testing {
namespace {

const std::string kNode = "/api/v1/nodes/w7";

nlohmann::json NodeWith(const std::string& version) {
  return {{"status", {{"nodeInfo", {{"kubeletVersion", version}}}}}};
}

class NodeFactsTest : public ApiTest {
 protected:
  int asked() const { return server_.Count("GET " + kNode); }
  bool Finds(const std::string& version) {
    return Until([&] { return found_ == version; });
  }

  std::string found_;
  NodeFacts facts_{loop_, *worker_, *client_, "w7",
                   [this](const NodeInfo& node) { found_ = node.kubelet_version; }};
};

TEST_F(NodeFactsTest, FindsTheVersionOfTheKubeletEachTimeItIsAsked) {
  server_.Put(kNode, NodeWith("v1.33.2"));
  facts_.Look();
  facts_.Look();  // is under way
  ASSERT_TRUE(Finds("v1.33.2"));
  EXPECT_EQ(asked(), 1);
  server_.Put(kNode, NodeWith("v1.34.0"));
  facts_.Look();
  EXPECT_TRUE(Finds("v1.34.0"));
}

TEST_F(NodeFactsTest, AsksAgainAfterAWhileHoweverOftenItIsTold) {
  server_.Put(kNode, NodeWith("v1.33.2"));
  server_.Refuse("GET", 503);
  const TimePoint start = Clock::now();
  facts_.Look();
  ASSERT_TRUE(Until([this] { return asked() == 1; }));
  Drain();
  server_.Refuse("GET", 0);
  // As the agent does with every snapshot while nothing is known.
  ASSERT_TRUE(Until([this] {
    facts_.Look();
    return !found_.empty();
  }));
  EXPECT_EQ(asked(), 2);
  EXPECT_GE(Clock::now() - start, std::chrono::seconds(5));
}

TEST_F(NodeFactsTest, ANodeThatDoesNotKnowItsKubeletYetIsAskedAgainAfterAWhile) {
  server_.Put(kNode, {{"status", {{"nodeInfo", {{"kubeletVersion", 7}}}}}});
  facts_.Look();
  Drain();
  EXPECT_EQ(asked(), 1);
  for (int i = 0; i < 10; ++i) {
    facts_.Look();
    Drain();
  }
  EXPECT_EQ(asked(), 1);
  EXPECT_EQ(found_, "");
}

}  // namespace
}  // namespace nodedevice::testing
