package breach

import (
	"crypto/sha1" //nolint:gosec // the form of the published lists, not a defence
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// A filter file is a header and a split block Bloom filter: blocks of 32 bytes,
// eight words of 32 bits, in each of which an entry sets one bit. One look-up
// reads one block. The file's numbers are little-endian:
//
//	 0  8  magic
//	 8  8  number of blocks
//	16  8  number of entries
//	24  4  CRC-32C of the blocks
//	28  4  CRC-32C of the 28 bytes before
const (
	magic      = "CDXLEAK1"
	headerSize = 32
	blockSize  = 32
	maxBlocks  = 1 << 32
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errFilter says that a file is no filter, or not a whole one.
var errFilter = errors.New("is not a filter of leaked passwords, or is damaged: build it with \"auth breach build\"")

// digest is the part of a password's SHA-1 that finds it in a filter.
type digest uint64

func digestOf(password []byte) digest {
	sum := sha1.Sum(password) //nolint:gosec // see above
	return digest(binary.BigEndian.Uint64(sum[:8]))
}

// block gives the block of an entry, by its upper half.
func (d digest) block(blocks uint64) uint64 { return (uint64(d>>32) * blocks) >> 32 }

// salts spread the lower half over the words of a block: odd numbers, those of
// Parquet's filter.
var salts = [8]uint32{0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31}

// set sets an entry's bits in its block.
func (d digest) set(block []byte) {
	for i, salt := range salts {
		word := block[4*i : 4*i+4]
		binary.LittleEndian.PutUint32(word, binary.LittleEndian.Uint32(word)|1<<(uint32(d)*salt>>27)) //nolint:gosec // the lower half is meant
	}
}

// in tells whether an entry's bits are all set in its block.
func (d digest) in(block []byte) bool {
	for i, salt := range salts {
		if binary.LittleEndian.Uint32(block[4*i:])&(1<<(uint32(d)*salt>>27)) == 0 { //nolint:gosec // the lower half is meant
			return false
		}
	}
	return true
}

// Filter is a set of leaked passwords in a file. It may take another password
// for a leaked one, at the rate it was built for, and never the other way round.
// The file stays on disk: a look-up reads 32 bytes of it. To replace it, rename
// another one over it and start anew.
type Filter struct {
	file            *os.File
	blocks, entries uint64
	sum             uint32
}

// OpenFilter opens a file and looks at its header and its length.
func OpenFilter(path string) (*Filter, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f := &Filter{file: file}
	if err := f.readHeader(); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return f, nil
}

func (f *Filter) readHeader() error {
	var head [headerSize]byte
	if _, err := io.ReadFull(f.file, head[:]); err != nil {
		return errFilter
	}
	f.blocks, f.entries = binary.LittleEndian.Uint64(head[8:]), binary.LittleEndian.Uint64(head[16:])
	f.sum = binary.LittleEndian.Uint32(head[24:])
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if string(head[:8]) != magic || binary.LittleEndian.Uint32(head[28:]) != crc32.Checksum(head[:28], castagnoli) ||
		f.blocks == 0 || f.blocks > maxBlocks || uint64(info.Size()) != headerSize+f.blocks*blockSize { //nolint:gosec // a size is not negative
		return errFilter
	}
	return nil
}

func header(blocks, entries uint64, sum uint32) []byte {
	head := make([]byte, 0, headerSize)
	head = append(head, magic...)
	head = binary.LittleEndian.AppendUint64(head, blocks)
	head = binary.LittleEndian.AppendUint64(head, entries)
	head = binary.LittleEndian.AppendUint32(head, sum)
	return binary.LittleEndian.AppendUint32(head, crc32.Checksum(head, castagnoli))
}

// Entries tells how many passwords were put in.
func (f *Filter) Entries() uint64 { return f.entries }

// Size tells how many bytes its blocks take.
func (f *Filter) Size() int64 { return int64(f.blocks) * blockSize } //nolint:gosec // below the file's size

// Has tells whether a password is in the set.
func (f *Filter) Has(password string) (bool, error) {
	d := digestOf([]byte(password))
	var block [blockSize]byte
	if _, err := f.file.ReadAt(block[:], headerSize+int64(d.block(f.blocks))*blockSize); err != nil { //nolint:gosec // below the file's size
		return false, fmt.Errorf("read filter of leaked passwords: %w", err)
	}
	return d.in(block[:]), nil
}

// Check reads the whole file and compares its sum. report hears the bytes read.
func (f *Filter) Check(report func(done int64)) error {
	sum, buffer := uint32(0), make([]byte, 1<<20)
	body := io.NewSectionReader(f.file, headerSize, f.Size())
	for done := int64(0); ; {
		n, err := body.Read(buffer)
		sum = crc32.Update(sum, castagnoli, buffer[:n])
		done += int64(n)
		report(done)
		switch {
		case errors.Is(err, io.EOF) && sum == f.sum:
			return nil
		case errors.Is(err, io.EOF):
			return errFilter
		case err != nil:
			return fmt.Errorf("read filter of leaked passwords: %w", err)
		}
	}
}

// Close closes the file.
func (f *Filter) Close() error { return f.file.Close() }
