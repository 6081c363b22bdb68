#include "aws/wire_chunked.h"

#include <gmock/gmock.h>

#include "aws/sigv4.h"
#include "aws/wire_checksum.h"

namespace facefleet::aws {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

struct Decoded {
  Bytes body;
  std::vector<std::pair<std::string, std::string>> trailers;
};

// What becomes of `encoded`, fed `step` bytes at a time.
Result<Decoded> decode_in_steps(BytesView encoded, const std::optional<ChunkSigning>& signing, std::size_t step) {
  ChunkedDecoder decoder(signing);
  Decoded out;
  for (std::size_t at = 0; at < encoded.size(); at += step)
    if (auto fed = decoder.feed(encoded.substr(at, step), out.body); !fed) return fed.error();
  if (auto whole = decoder.finish(); !whole) return whole.error();
  out.trailers = decoder.trailers();
  return out;
}

// The same, which must not depend on where the pieces end.
Result<Decoded> decode_chunked(const std::string& encoded, const std::optional<ChunkSigning>& signing) {
  auto whole = decode_in_steps(encoded, signing, encoded.size() + 1);
  for (const std::size_t step : {1, 2, 3, 7, 100}) {
    const auto again = decode_in_steps(encoded, signing, step);
    EXPECT_EQ(again.has_value(), whole.has_value()) << step;
    if (again && whole) {
      EXPECT_EQ(again->body, whole->body);
      EXPECT_EQ(again->trailers, whole->trailers);
    }
  }
  return whole;
}

TEST(ChunkedTest, JoinsChunksAndGivesTrailers) {
  const auto decoded =
      decode_chunked("5\r\nhello\r\n6\r\n world\r\n0\r\nX-Amz-Checksum-CRC32: abcd==\r\n\r\n", std::nullopt).value();
  EXPECT_EQ(decoded.body, "hello world");
  EXPECT_THAT(decoded.trailers, ElementsAre(Pair("x-amz-checksum-crc32", "abcd==")));
  const auto empty = decode_chunked("0\r\n\r\n", std::nullopt).value();
  EXPECT_THAT(empty.body, IsEmpty());
  EXPECT_THAT(decode_chunked("0;chunk-signature=00\r\n", std::nullopt).value().body, IsEmpty());
}

TEST(ChunkedTest, WhatEndsEarlyIsRefusedWhereverItEnds) {
  const std::string whole = "5\r\nhello\r\n0\r\n";
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode_chunked(whole.substr(0, size), std::nullopt)) << size;
  for (const char* bad : {"x\r\n\r\n", "5\r\nhelloXX0\r\n\r\n", "ffffffffffffffff\r\nx\r\n", "-1\r\n\r\n", "\r\n",
                          "0\r\nno colon\r\n\r\n", "10000000000000000\r\n"})
    EXPECT_EQ(decode_chunked(bad, std::nullopt).error().reason, "IncompleteBody") << bad;
}

// The example of Amazon's own page, "Signature calculations for the Authorization header: transferring payload in
// multiple chunks": 65 kB of 'a' in chunks of 64 kB.
class AmazonsExample : public testing::Test {
 protected:
  AmazonsExample() {
    SigningKeys keys;
    signing_.key = keys.get("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", {"us-east-1", "s3"});
    signing_.amz_date = "20130524T000000Z";
    signing_.scope = "20130524/us-east-1/s3/aws4_request";
    signing_.seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
  }
  std::string body_ = "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" +
                      std::string(65'536, 'a') +
                      "\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" +
                      std::string(1'024, 'a') +
                      "\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n";
  ChunkSigning signing_;
};

TEST_F(AmazonsExample, IsAccepted) {
  const auto decoded = decode_chunked(body_, signing_);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->body, std::string(66'560, 'a'));
}

TEST_F(AmazonsExample, IsRefusedWithOneByteChanged) {
  body_[body_.size() / 2] = 'b';
  EXPECT_EQ(decode_chunked(body_, signing_).error().reason, "SignatureDoesNotMatch");
}

TEST_F(AmazonsExample, IsRefusedWithTrailersThatNobodySigned) {
  body_.insert(body_.size() - 2, "x-amz-checksum-crc32:AAAAAA==\r\n");
  EXPECT_EQ(decode_chunked(body_, signing_).error().reason, "SignatureDoesNotMatch");
}

TEST(ChecksumTest, PiecesOfAnySizeGiveTheSame) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 7);
  for (const char* algorithm : {"crc32", "crc32c", "crc64nvme", "sha1", "sha256"}) {
    for (const std::size_t step : {1, 3, 8, 13}) {
      const auto sum = Checksum::of(algorithm);
      for (std::size_t at = 0; at < text.size(); at += step) sum->add(BytesView(text).substr(at, step));
      EXPECT_EQ(sum->take(), checksum(algorithm, text)) << algorithm << " " << step;
    }
  }
}

// Check values of the catalogue of parametrised CRC algorithms, and of FIPS 180 and RFC 3720, for "123456789".
TEST(ChecksumTest, KnownValues) {
  EXPECT_EQ(checksum("crc32", "123456789"), "y/Q5Jg==");
  EXPECT_EQ(checksum("crc32c", "123456789"), "4waSgw==");
  EXPECT_EQ(checksum("crc64nvme", "123456789"), "rosUhgp5mIg=");
  EXPECT_EQ(checksum("sha1", "123456789"), "98O8HYCOBHMq32eZZczDTKeuNEE=");
  EXPECT_EQ(checksum("sha256", "123456789"), "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=");
  EXPECT_EQ(checksum("md17", "123456789"), std::nullopt);
}

}  // namespace
}  // namespace facefleet::aws
