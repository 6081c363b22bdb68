// Every limit that is not a user's to set, in one place, unit last. A limit that a profile sets has
// its default in config/profile.h instead.
#pragma once

#include <cstddef>
#include <cstdint>

namespace facefleet::limits {

// HTTP
inline constexpr std::size_t kHttpHeaderBytes = 64 * 1024;
inline constexpr std::size_t kHttpIdleConnectionMs = 75'000;
inline constexpr std::size_t kHttpHeaderReadMs = 5'000;  // a request line and headers that take longer: slow loris
inline constexpr std::size_t kHttpBodyStallMs = 10'000;  // without one byte of progress
inline constexpr std::size_t kHttpConnections = 4'096;

// Photos
inline constexpr std::size_t kPhotoPixels = 100'000'000;  // refused before a byte of it is decoded
inline constexpr std::size_t kPhotoNameBytes = 255;
inline constexpr std::size_t kFacesPerPhoto = 256;

// Queues (SQS's own limits: botocore sqs/2012-11-05)
inline constexpr std::size_t kQueueMessageBytes = 1'048'576;
inline constexpr std::size_t kQueueBatchEntries = 10;
inline constexpr std::size_t kQueueWaitMs = 20'000;
inline constexpr std::size_t kQueueLeaseMs = 43'200'000;
inline constexpr std::size_t kQueueDelayMs = 900'000;
inline constexpr std::size_t kQueueNameBytes = 80;
inline constexpr std::size_t kQueueMemoryBytes = 2'000'000'000;  // all queues of a process together

// Object store (S3's own)
inline constexpr std::size_t kObjectKeyBytes = 1'024;
inline constexpr std::size_t kObjectListKeys = 1'000;

// Galleries
inline constexpr std::size_t kEmbeddingDimensions = 1'024;
inline constexpr std::size_t kPersonNameBytes = 255;
inline constexpr std::size_t kGalleryNameBytes = 64;

}  // namespace facefleet::limits
