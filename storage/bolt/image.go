package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
)

// An image is a bbolt file as it lies on disk, read page by page and trusted in nothing. Bbolt itself checks its two meta pages
// only: what else is wrong stops the process, at once or days later, some of it in goroutines that nobody can guard.
//
// The layout is that of bbolt's file format 2, in the byte order of the machine. A page begins with its own number (8 bytes), flags
// (2), the number of its elements (2) and of the further pages that it covers (4). Pages 0 and 1 hold the meta data of the last two
// transactions.
type image struct {
	file io.ReaderAt
	size int64
	meta
}

// meta is what a transaction says of the file: where the tree of its buckets begins, where the list of the free pages is, and
// how many pages there are.
type meta struct {
	pageSize, root, sequence, freelist, high, transaction uint64
}

const (
	pageHeader, metaSize = 16, 64
	metaMagic            = 0xED0CDAED
	metaVersion          = 2
	noFreelist           = math.MaxUint64 // in place of the page: the list was not written

	branchPage, leafPage, freelistPage = 1, 2, 16
	bucketElement                      = 1
	elementSize                        = 16
	// maxDepth bounds a tree: one of 2^64 pages is not so deep.
	maxDepth = 64
)

var native = binary.NativeEndian

// errNoImage means that no page of the file holds meta data.
var errNoImage = errors.New("not a database file")

// readImage returns the file as its last complete transaction left it. It returns errNoImage when there is none, and an
// ErrDamaged when the file ends before its last page.
func readImage(file io.ReaderAt, size int64) (*image, error) {
	im := &image{file: file, size: size}
	found := false
	for at := int64(0); at <= 1<<24; at = max(1024, 2*at) { // the second lies behind the first: pages have 1 KiB to 16 MiB
		if m, ok := readMeta(file, at); ok && (at == 0 || at == int64(m.pageSize)) && (!found || m.transaction > im.transaction) {
			im.meta, found = m, true
		}
	}
	if !found {
		return nil, errNoImage
	}
	if whole := im.high * im.pageSize; im.high > math.MaxInt64/im.pageSize || uint64(size) < whole {
		return nil, damage("the file is cut off: it has %d bytes of %d", size, whole)
	}
	return im, nil
}

func readMeta(file io.ReaderAt, at int64) (m meta, ok bool) {
	var page [pageHeader + metaSize]byte
	if _, err := file.ReadAt(page[:], at); err != nil {
		return meta{}, false
	}
	body := page[pageHeader:]
	sum := fnv.New64a()
	sum.Write(body[:56])
	if native.Uint32(body) != metaMagic || native.Uint32(body[4:]) != metaVersion || sum.Sum64() != native.Uint64(body[56:]) {
		return meta{}, false
	}
	m = meta{
		uint64(native.Uint32(body[8:])), native.Uint64(body[16:]), native.Uint64(body[24:]), native.Uint64(body[32:]),
		native.Uint64(body[40:]), native.Uint64(body[48:]),
	}
	return m, m.pageSize >= 1024 && m.pageSize <= 1<<24 && m.pageSize&(m.pageSize-1) == 0 && m.high >= 4
}

// page returns the meta page that says m, and its number.
func (m meta) page() (page []byte, number uint64) {
	page, number = make([]byte, m.pageSize), m.transaction%2
	native.PutUint64(page, number)
	native.PutUint16(page[8:], 4)
	body := page[pageHeader:]
	native.PutUint32(body, metaMagic)
	native.PutUint32(body[4:], metaVersion)
	native.PutUint32(body[8:], uint32(m.pageSize))
	for i, value := range []uint64{m.root, m.sequence, m.freelist, m.high, m.transaction} {
		native.PutUint64(body[16+8*i:], value)
	}
	sum := fnv.New64a()
	sum.Write(body[:56])
	native.PutUint64(body[56:], sum.Sum64())
	return page, number
}

// page is one page with those that it covers.
type page struct {
	id       uint64
	flags    uint16
	count    int
	overflow uint64
	data     []byte // all of it, header included; see image.page
}

// page reads the page of that number, and with whole also what it covers beyond its first page.
func (im *image) page(id uint64, whole bool) (page, error) {
	if id < 2 || id >= im.high {
		return page{}, damage("page %d is named, and there are %d", id, im.high)
	}
	data := make([]byte, im.pageSize)
	if _, err := im.file.ReadAt(data, int64(id*im.pageSize)); err != nil {
		return page{}, fmt.Errorf("read page %d: %w", id, err)
	}
	p := page{id, native.Uint16(data[8:]), int(native.Uint16(data[10:])), uint64(native.Uint32(data[12:])), data}
	if native.Uint64(data) != id || p.overflow >= im.high-id {
		return page{}, damage("page %d does not hold what it should", id)
	}
	if whole && p.overflow > 0 {
		p.data = make([]byte, (1+p.overflow)*im.pageSize)
		if _, err := im.file.ReadAt(p.data, int64(id*im.pageSize)); err != nil {
			return page{}, fmt.Errorf("read page %d: %w", id, err)
		}
	}
	return p, nil
}

// child returns the key and the page of an element of a branch page.
func (p page) child(i int) (key []byte, id uint64, err error) {
	at := pageHeader + i*elementSize
	if at+elementSize > len(p.data) {
		return nil, 0, damage("page %d is torn", p.id)
	}
	key, _, err = p.slices(at, native.Uint32(p.data[at:]), native.Uint32(p.data[at+4:]), 0)
	return key, native.Uint64(p.data[at+8:]), err
}

// element returns an element of a leaf page.
func (p page) element(i int) (key, value []byte, bucket bool, err error) {
	at := pageHeader + i*elementSize
	if at+elementSize > len(p.data) {
		return nil, nil, false, damage("page %d is torn", p.id)
	}
	key, value, err = p.slices(at, native.Uint32(p.data[at+4:]), native.Uint32(p.data[at+8:]), native.Uint32(p.data[at+12:]))
	return key, value, native.Uint32(p.data[at:])&bucketElement != 0, err
}

func (p page) slices(at int, offset, key, value uint32) ([]byte, []byte, error) {
	from := uint64(at) + uint64(offset)
	middle := from + uint64(key)
	end := middle + uint64(value)
	if end > uint64(len(p.data)) {
		return nil, nil, damage("page %d is torn", p.id)
	}
	return p.data[from:middle:middle], p.data[middle:end:end], nil
}

// place is where the rows of a bucket are: in a tree, or, when they are few, in the bucket's own element.
type place struct {
	root   uint64
	inline []byte
}

func parsePlace(value []byte) (place, error) {
	if len(value) < 16 {
		return place{}, damage("a bucket has no root")
	}
	at := place{native.Uint64(value), value[16:]}
	if at.root == 0 && len(at.inline) < pageHeader {
		return place{}, damage("a bucket has no page")
	}
	return at, nil
}

// rows returns the rows of the small bucket of that name, nil when there is no such bucket.
func (im *image) rows(name []byte) (rows map[string][]byte, err error) {
	var at *place
	seen := newPageSet(im.high)
	w := walker{image: im, visit: seen.once, leaf: func(p page) error {
		return p.each(func(key, value []byte, bucket bool) error {
			if !bucket || !bytes.Equal(key, name) {
				return nil
			}
			found, err := parsePlace(value)
			at = &found
			return err
		})
	}}
	if err := w.tree(im.root, 0); err != nil || at == nil {
		return nil, err
	}
	rows = map[string][]byte{}
	keep := func(p page) error {
		return p.each(func(key, value []byte, _ bool) error { rows[string(key)] = value; return nil })
	}
	if at.root == 0 {
		return rows, keep(page{flags: leafPage, count: int(native.Uint16(at.inline[10:])), data: at.inline})
	}
	w = walker{image: im, visit: seen.once, leaf: keep}
	return rows, w.tree(at.root, 0)
}

// each calls do with every element of a leaf page.
func (p page) each(do func(key, value []byte, bucket bool) error) error {
	for i := range p.count {
		key, value, bucket, err := p.element(i)
		if err == nil {
			err = do(key, value, bucket)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// walker visits the pages of a tree.
type walker struct {
	*image
	// enter says whether the page is to be visited; nil visits all. It is asked before the page is read.
	enter func(id uint64) bool
	// visit is told of each page that is; nil for nobody.
	visit func(p page) error
	// leaf is handed each leaf page whole; nil for nobody.
	leaf func(p page) error
	// strict reads pages whole, and checks the order of their keys.
	strict bool
}

func (w *walker) tree(id uint64, depth int) error {
	_, _, err := w.descend(id, depth)
	return err
}

// descend visits the tree below a page and returns, when it is strict, its first and its last key.
func (w *walker) descend(id uint64, depth int) (first, last []byte, err error) {
	if w.enter != nil && !w.enter(id) {
		return nil, nil, nil
	}
	if depth > maxDepth {
		return nil, nil, damage("page %d lies too deep", id)
	}
	p, err := w.page(id, w.strict)
	if err != nil {
		return nil, nil, err
	}
	if p.overflow > 0 && !w.strict && (p.flags&branchPage != 0 || w.leaf != nil) {
		if p, err = w.page(id, true); err != nil {
			return nil, nil, err
		}
	}
	if w.visit != nil {
		if err := w.visit(p); err != nil {
			return nil, nil, err
		}
	}
	switch p.flags {
	case branchPage:
		return w.branch(p, depth)
	case leafPage:
		return w.leaves(p)
	}
	return nil, nil, damage("page %d is of no known kind", id)
}

func (w *walker) branch(p page, depth int) (first, last []byte, err error) {
	if p.count == 0 {
		return nil, nil, damage("page %d leads nowhere", p.id)
	}
	for i := range p.count {
		key, id, err := p.child(i)
		if err != nil {
			return nil, nil, err
		}
		low, high, err := w.descend(id, depth+1)
		if err != nil {
			return nil, nil, err
		}
		if !w.strict {
			continue
		}
		if i > 0 && bytes.Compare(last, key) >= 0 || low != nil && bytes.Compare(key, low) > 0 {
			return nil, nil, damage("the keys of page %d are out of order", p.id)
		}
		if last = key; high != nil {
			last = high
		}
		if i == 0 {
			first = key
		}
	}
	return first, last, nil
}

func (w *walker) leaves(p page) (first, last []byte, err error) {
	if w.leaf != nil {
		if err := w.leaf(p); err != nil {
			return nil, nil, err
		}
	}
	if !w.strict {
		return nil, nil, nil
	}
	err = p.each(func(key, _ []byte, _ bool) error {
		if last != nil && bytes.Compare(last, key) >= 0 {
			return damage("the keys of page %d are out of order", p.id)
		}
		if first == nil {
			first = key
		}
		last = key
		return nil
	})
	return first, last, err
}

// buckets visits the tree of the buckets with all that lies in them.
func (w *walker) buckets(root uint64) error {
	top := *w
	top.leaf = func(p page) error {
		return p.each(func(_, value []byte, bucket bool) error {
			if !bucket {
				return damage("page %d has a row outside of the buckets", p.id)
			}
			at, err := parsePlace(value)
			if err != nil || at.root == 0 {
				return err
			}
			return w.tree(at.root, 1)
		})
	}
	return top.tree(root, 0)
}
