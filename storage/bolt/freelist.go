package bolt

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// pageSet is a set of page numbers.
type pageSet []uint64

func newPageSet(high uint64) pageSet { return make(pageSet, high/64+1) }

func (s pageSet) has(id uint64) bool { return id/64 < uint64(len(s)) && s[id/64]>>(id%64)&1 != 0 }
func (s pageSet) add(id uint64)      { s[id/64] |= 1 << (id % 64) }
func (s pageSet) remove(id uint64)   { s[id/64] &^= 1 << (id % 64) }

// once adds a page with those that it covers, which must not be there yet: in a tree each page has one parent.
func (s pageSet) once(p page) error {
	for id := p.id; id <= p.id+p.overflow; id++ {
		if s.has(id) {
			return damage("page %d is named twice", id)
		}
		s.add(id)
	}
	return nil
}

// freePages returns the list of free pages that a page holds, in order, and how many pages it takes.
func (im *image) freePages(id, high uint64) (free []uint64, pages uint64, err error) {
	p, err := im.page(id, true)
	if err != nil {
		return nil, 0, err
	}
	count, at := uint64(p.count), uint64(pageHeader)
	if count == 0xFFFF { // more than the header can say
		count, at = native.Uint64(p.data[at:]), at+8
	}
	if p.flags != freelistPage || count > (uint64(len(p.data))-at)/8 {
		return nil, 0, damage("page %d is no list of free pages", id)
	}
	free = make([]uint64, count)
	for i := range free {
		free[i] = native.Uint64(p.data[at+8*uint64(i):])
		if free[i] < 2 || free[i] >= high || i > 0 && free[i] <= free[i-1] {
			return nil, 0, damage("page %d is no list of free pages", id)
		}
	}
	return free, 1 + p.overflow, nil
}

// checkpoint is a transaction that wrote the list of free pages, as the transactions after it remember it.
type checkpoint struct {
	// Run is that of the process that made it; see mark.
	Run         string `json:"run"`
	Transaction uint64 `json:"transaction"`
	Root        uint64 `json:"root"`
	Freelist    uint64 `json:"freelist"`
	High        uint64 `json:"high"`
}

// used returns the pages that the last transaction uses, found by reading all of its trees.
func (im *image) used(strict bool) (pageSet, error) {
	used := newPageSet(im.high)
	w := walker{image: im, visit: used.once, strict: strict}
	return used, w.buckets(im.root)
}

// usedSince returns what used does, by reading only what has changed since the checkpoint c. While one is kept, no page of its is written
// again (see Store.hold). So a page of the last transaction that was in use then is as it was, with all that lies below it; and
// a page of that time that is not below one of those is free now.
func (im *image) usedSince(c checkpoint) (pageSet, error) {
	free, pages, err := im.freePages(c.Freelist, c.High)
	if err != nil {
		return nil, err
	}
	if c.High > im.high || c.Transaction > im.transaction {
		return nil, damage("the checkpoint lies in the future")
	}
	then, kept, used := newPageSet(im.high), newPageSet(im.high), newPageSet(im.high)
	for id := uint64(2); id < c.High; id++ {
		then.add(id)
	}
	for _, id := range free {
		then.remove(id)
	}
	copy(used, then)
	now := walker{image: im, visit: used.once, enter: func(id uint64) bool {
		if !then.has(id) {
			return true
		}
		kept.add(id)
		return false
	}}
	if err := now.buckets(im.root); err != nil {
		return nil, err
	}
	past := walker{image: im, enter: func(id uint64) bool { return !kept.has(id) }, visit: func(p page) error {
		for id := p.id; id <= p.id+p.overflow; id++ {
			if !then.has(id) || !used.has(id) {
				return damage("page %d was not there at the checkpoint", id)
			}
			used.remove(id)
		}
		return nil
	}}
	if err := past.buckets(c.Root); err != nil {
		return nil, err
	}
	for id := c.Freelist; id < c.Freelist+pages; id++ {
		used.remove(id)
	}
	return used, nil
}

// writeFreelist writes down which pages are free, as one more transaction that changes nothing else, and puts it on disk. Bbolt
// needs the list to open the file, and would look for it in every page.
func (im *image) writeFreelist(file *os.File, used pageSet) error {
	var free []uint64
	for id := uint64(2); id < im.high; id++ {
		if !used.has(id) {
			free = append(free, id)
		}
	}
	next := im.meta
	next.transaction++
	pages := uint64(pageHeader+8*(len(free)+1))/im.pageSize + 1
	at := run(free, pages)
	if at < len(free) {
		next.freelist = free[at]
		free = slices.Delete(free, at, at+int(pages))
	} else {
		next.freelist, next.high = im.high, im.high+pages
	}
	list := make([]byte, pages*im.pageSize)
	native.PutUint64(list, next.freelist)
	native.PutUint16(list[8:], freelistPage)
	native.PutUint16(list[10:], uint16(min(len(free), 0xFFFF)))
	native.PutUint32(list[12:], uint32(pages-1))
	body := list[pageHeader:]
	if len(free) >= 0xFFFF {
		native.PutUint64(body, uint64(len(free)))
		body = body[8:]
	}
	for i, id := range free {
		native.PutUint64(body[8*i:], id)
	}
	meta, slot := next.page()
	for _, write := range []struct {
		page []byte
		id   uint64
	}{{list, next.freelist}, {meta, slot}} {
		if _, err := file.WriteAt(write.page, int64(write.id*im.pageSize)); err != nil {
			return fmt.Errorf("write the list of free pages: %w", err)
		}
		if err := file.Sync(); err != nil {
			return fmt.Errorf("write the list of free pages: %w", err)
		}
	}
	im.meta = next
	return nil
}

// run returns where in the list so many pages lie side by side, or its length when they do nowhere.
func run(free []uint64, pages uint64) int {
	for i := 0; i+int(pages) <= len(free); i++ {
		if free[i+int(pages)-1] == free[i]+pages-1 {
			return i
		}
	}
	return len(free)
}

func parseCheckpoint(row []byte) (c checkpoint, ok bool) {
	text, err := withoutSum(metaCheckpoint, row)
	ok = err == nil && json.Unmarshal(text, &c) == nil
	return c, ok
}
