package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"brygga/storage"
)

// What is sealed proves itself when it opens, and an index is known to be right by the records that it leads to. All other rows, whose
// words nothing else repeats, begin with a checksum: a redirect URI or a scope with one letter changed would be as good as the right one.

// sumSize is the length of what stands before such a row: sumVersion, and the CRC-32C of the key and the row.
const sumSize = 1 + crc32.Size

// sumVersion is a byte with which no row of an earlier format begins.
const sumVersion = 1

// summed are the buckets whose rows have a checksum, with the byte that a row of an earlier format begins with: that of a number below
// 2^56, or that of a JSON object. Those rows get one when they are written again.
var summed = [bucketCount]struct {
	is     bool
	before byte
}{
	clientsBucket: {true, 0}, codesBucket: {true, '{'}, grantsBucket: {true, 0}, tokensBucket: {true, '{'}, refreshBucket: {true, '{'},
	keysBucket: {true, 0}, auditBucket: {true, '{'}, throttlesBucket: {true, '{'}, treeBucket: {true, noRow}, apiKeysBucket: {true, noRow},
	notesBucket: {true, noRow},
}

// noRow is a byte that no row of an earlier format begins with, for buckets that these had not.
const noRow = 0xFF

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errSum means that a row is not as it was written.
var errSum = errors.New("was changed: its checksum is another row's")

func sumOf(key, row []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, row)
}

// withSum returns the row with its checksum before it.
func withSum(key, row []byte) []byte {
	whole := append(make([]byte, 0, sumSize+len(row)), sumVersion)
	return append(binary.BigEndian.AppendUint32(whole, sumOf(key, row)), row...)
}

// withoutSum returns what follows the checksum, or errSum.
func withoutSum(key, whole []byte) ([]byte, error) {
	if len(whole) < sumSize || whole[0] != sumVersion || binary.BigEndian.Uint32(whole[1:]) != sumOf(key, whole[sumSize:]) {
		return nil, errSum
	}
	return whole[sumSize:], nil
}

// plain returns the row of that key in the bucket without its checksum, if it is to have one.
func plain(id bucketID, key, whole []byte) ([]byte, error) {
	of := summed[id]
	if !of.is || len(whole) > 0 && whole[0] == of.before {
		return whole, nil
	}
	row, err := withoutSum(key, whole)
	if err != nil {
		return nil, fmt.Errorf("%w: a row of %s (%s) %w", ErrDamaged, bucketNames[id], storage.KeyHash(key), err)
	}
	return row, nil
}
