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
// A body that has been on its way for longer than the grace has brought so many bytes for each second beyond it. A
// phone's bad link brings twice as many.
inline constexpr std::size_t kHttpBodyGraceMs = 30'000;
inline constexpr std::size_t kHttpBodyBytesPerS = 8'192;
inline constexpr std::uint64_t kHttpBodiesBytes = 512ull << 20;  // of all requests that one server holds, together
inline constexpr std::size_t kHttpConnections = 4'096;
inline constexpr std::size_t kHttpRefusedConnections = 64;    // beyond those, answered 503; more are just closed
inline constexpr std::size_t kHttpAcceptPauseMs = 100;        // after an accept that failed for want of descriptors
inline constexpr std::size_t kHttpLingerMs = 5'000;           // reading on after a refusal, so that it is received
inline constexpr std::size_t kHttpLingerBytes = 64ull << 20;  // what is read and dropped meanwhile
inline constexpr std::size_t kHttpCancelMs = 500;             // a cancelled handler's time to end, when draining
inline constexpr std::size_t kHttpClientIdleMs = 60'000;      // an unused connection is not used again after this
inline constexpr std::size_t kMultipartHeaderBytes = 8'192;   // of one part

// Photos
inline constexpr std::size_t kPhotoPixels = 100'000'000;  // refused before a byte of it is decoded
inline constexpr std::size_t kPhotoNameBytes = 255;
inline constexpr std::size_t kFacesPerPhoto = 256;
inline constexpr std::size_t kJpegScans = 64;  // encoders write about ten; each costs a pass over the whole picture
inline constexpr std::size_t kExifBytes = 65'535;

// Queues (SQS's own limits: botocore sqs/2012-11-05)
inline constexpr std::size_t kQueueMessageBytes = 1'048'576;
inline constexpr std::size_t kQueueBatchEntries = 10;
inline constexpr std::size_t kQueueWaitMs = 20'000;
inline constexpr std::size_t kQueueLeaseMs = 43'200'000;
inline constexpr std::size_t kQueueDelayMs = 900'000;
inline constexpr std::size_t kQueueNameBytes = 80;
inline constexpr std::size_t kQueueInFlight = 120'000;
inline constexpr std::size_t kQueuePauseMs = 60'000;  // after a purge before the next, after a deletion before the name
inline constexpr std::size_t kQueueTags = 50;
inline constexpr std::size_t kMessageAttributes = 10;
inline constexpr std::size_t kMessageAttributeNameBytes = 256;
inline constexpr std::size_t kQueueMemoryBytes = 2'000'000'000;  // all queues of a process together

// AWS clients
inline constexpr std::size_t kAwsConnections = 256;     // of one client; a long poll holds one
inline constexpr std::size_t kAwsRetryTokens = 500;     // the AWS SDKs' standard retry mode
inline constexpr std::size_t kAwsBackoffMs = 2'000;     // between two tries, at most
inline constexpr std::size_t kAwsThrottledMs = 20'000;  // the same after a throttled one, unless the answer says longer
inline constexpr std::size_t kSqsBatchesInFlight = 8;   // of one queue and one action

// Object store (S3's own)
inline constexpr std::size_t kObjectKeyBytes = 1'024;
inline constexpr std::size_t kObjectListKeys = 1'000;
inline constexpr std::uint64_t kObjectBytes = 5ull << 30;  // in one put, or one part
inline constexpr std::size_t kUploadParts = 10'000;
inline constexpr std::uint64_t kUploadPartBytesMin = 5 << 20;  // of all but the last
inline constexpr std::size_t kObjectMetadataBytes = 2'048;
// Ours: a body passes through memory in pieces of so many bytes, one or two at a time, and lies so on disk.
inline constexpr std::size_t kObjectSegmentBytes = 4 << 20;
inline constexpr std::int64_t kUploadAgeMs = 7LL * 86'400'000;  // an upload that nobody completed goes at a start

// Tables (DynamoDB's own)
inline constexpr std::size_t kItemBytes = 409'600;
inline constexpr std::size_t kItemKeyBytes = 2'048;
inline constexpr std::size_t kTablePageBytes = 1'048'576;
inline constexpr std::size_t kTableBatchWrites = 25;
inline constexpr std::size_t kTableBatchReads = 100;

// The local cloud's doors
inline constexpr std::size_t kDoorCallBytes = 8'388'608;  // SQS's largest batch, every byte of it escaped
inline constexpr std::size_t kDoorXmlBytes = 4'194'304;   // of an S3 call that is no object: 10,000 parts' names
inline constexpr std::size_t kDoorParameters = 2'048;     // of one call in the query form

// Fleets
inline constexpr std::size_t kTerminatedInstances = 64;  // listed after their end, the newest
inline constexpr std::size_t kInstanceTags = 50;         // EC2's own
inline constexpr std::size_t kPoolFillMs = 600'000;      // until a pool of stopped instances is there

// Database
inline constexpr std::size_t kDatabaseWaiting = 65'536;     // operations that wait for the writer
inline constexpr std::size_t kDatabaseRideAlongMs = 100;    // until a write that nobody waits for starts a commit
inline constexpr std::size_t kDatabaseGatherMs = 5;         // at most, after a shared commit until the next
inline constexpr std::size_t kDatabaseErasureMs = 1'000;    // from a commit until deleted bytes leave the files
inline constexpr std::size_t kDatabaseLogBytes = 16 << 20;  // of the write-ahead log, before it is folded in

// Galleries
inline constexpr std::size_t kEmbeddingDimensions = 1'024;
inline constexpr std::size_t kPersonNameBytes = 255;
inline constexpr std::size_t kGalleryNameBytes = 64;
inline constexpr std::size_t kGallerySegmentBytes = 32 << 20;  // what an add or a merge makes, at most, plus one photo
inline constexpr std::size_t kGallerySmallSegments = 16;       // beyond it, small segments are merged
inline constexpr std::size_t kGalleryCommitTries = 32;         // against other writers of the same gallery
inline constexpr std::size_t kGallerySnapshotTries = 8;        // against segments that go while they are fetched
inline constexpr std::size_t kGalleryDownloads = 8;            // at once
inline constexpr std::size_t kGalleriesOpen = 1'024;           // whose last version a process remembers
inline constexpr std::size_t kGalleryLookMs = 250;             // until a change by others is seen, at most
inline constexpr std::int64_t kGalleryRetiredMs = 60'000;      // a merged segment stays for readers of older versions
inline constexpr std::int64_t kGalleryCommitMs = 300'000;      // from a change's first segment to its manifest
inline constexpr std::int64_t kGalleryOrphanMs = 2 * kGalleryCommitMs;  // a segment that no manifest names is litter

// Gateway
inline constexpr std::size_t kSmallBodyBytes = 64 * 1024;  // of requests that bring no photo
inline constexpr std::size_t kIdempotencyKeyBytes = 255;
inline constexpr std::size_t kConnectMs = 5'000;      // that a photo waits for the queues to be opened
inline constexpr std::size_t kAnswerPolls = 3;        // long polls of the response queue at once
inline constexpr std::size_t kPhotoDeletionMs = 200;  // from an answer until its photo goes, with others
inline constexpr std::size_t kEnrolmentBatch = 256;   // templates in one change of a gallery
// From a deletion until the outcomes that name the person are looked for. Whoever stores an outcome does so within this
// time of a look at its gallery's newest version, or looks again afterwards: so none comes after the search unseen.
inline constexpr std::size_t kErasureGraceMs = 2'000;
inline constexpr std::size_t kSweepIntervalMs = 3'600'000;
inline constexpr std::size_t kReadinessRetryMs = 5'000;

}  // namespace facefleet::limits
