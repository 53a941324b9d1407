#include "lib/base/published.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace nodedevice {
namespace {

// Reading through a hold that dies at the end of the expression must not compile.
template <typename T>
concept Dereferenceable = requires(T value) {
  *static_cast<T&&>(value);
};
static_assert(Dereferenceable<const Latest<int>&>);
static_assert(!Dereferenceable<Latest<int>>);

TEST(PublishedTest, HoldsItsFirstValueAndThenTheNewest) {
  Published<std::string> published("first");
  const Latest<std::string> first = published.Get();
  EXPECT_EQ(*first, "first");
  published.Set("second");
  const Latest<std::string> second = published.Get();
  EXPECT_EQ(*second, "second");
  EXPECT_EQ(second->size(), 6u);
}

TEST(PublishedTest, AHoldKeepsItsValueWhenANewerOneIsPublished) {
  Published<std::string> published("old");
  const Latest<std::string> hold = published.Get();
  published.Set("new");
  EXPECT_EQ(*hold, "old");
}

TEST(PublishedTest, AHoldOutlivesThePublisher) {
  auto published = std::make_unique<Published<std::string>>("value");
  const Latest<std::string> hold = published->Get();
  published.reset();
  EXPECT_EQ(*hold, "value");
}

TEST(PublishedTest, ReadersOnOtherThreadsSeeWholeValuesInOrder) {
  constexpr int kLast = 2000;
  Published<std::vector<int>> published(std::vector<int>{0, 0});
  std::vector<std::thread> readers;
  std::vector<int> torn(4, 0);
  for (int& mine : torn) {
    readers.emplace_back([&published, &mine] {
      for (int newest = 0; newest < kLast;) {
        const Latest<std::vector<int>> hold = published.Get();
        if ((*hold)[0] != (*hold)[1] || (*hold)[0] < newest) ++mine;
        newest = (*hold)[0];
      }
    });
  }
  for (int i = 1; i <= kLast; ++i) published.Set({i, i});
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(torn, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace nodedevice
