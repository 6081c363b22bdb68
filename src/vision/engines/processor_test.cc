#include "vision/engines/processor.h"

#include <gtest/gtest.h>

namespace facefleet::vision {
namespace {

TEST(ProcessorTest, Bf16WhereItGains) {
  EXPECT_EQ(fastest_precision({"GenuineIntel", true, true}), Precision::kBf16);
  EXPECT_EQ(fastest_precision({"AuthenticAMD", true, false}), Precision::kBf16);
}

TEST(ProcessorTest, F32ElseEvenIfBf16Exists) {
  EXPECT_EQ(fastest_precision({"GenuineIntel", true, false}), Precision::kF32);
  EXPECT_EQ(fastest_precision({"AuthenticAMD", false, false}), Precision::kF32);
  EXPECT_EQ(fastest_precision({}), Precision::kF32);
}

TEST(ProcessorTest, KnowsThisOnesVendor) {
#if defined(__x86_64__)
  EXPECT_EQ(this_processor().vendor.size(), 12U);
#else
  EXPECT_TRUE(this_processor().vendor.empty());
#endif
}

}  // namespace
}  // namespace facefleet::vision
