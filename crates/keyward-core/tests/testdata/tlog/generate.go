// Writes go_xmod.txt: trees, proofs, tiles and notes made by the Go project's own transparency log packages.
//
// golang.org/x/mod/sumdb/{tlog,note} are in the source of the Go toolchain, vendored for the go command. To run, copy
// them out of there (Debian: package golang-src) into a module beside this file and run it:
//
//	mkdir -p /tmp/gen/sumdb && cp generate.go /tmp/gen/main.go && cd /tmp/gen
//	cp -r "$(go env GOROOT)"/src/cmd/vendor/golang.org/x/mod/sumdb/{tlog,note} sumdb/
//	sed -i 's#golang.org/x/crypto/ed25519#crypto/ed25519#' sumdb/note/note.go
//	printf 'module golang.org/x/mod\n\ngo 1.19\n' > go.mod && go run . > go_xmod.txt
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func join(hashes []tlog.Hash) string {
	texts := []string{}
	for _, hash := range hashes {
		texts = append(texts, hash.String())
	}
	return strings.Join(texts, ",")
}

func main() {
	const largest = 70000
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, index := range indexes {
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	for n := int64(0); n < largest; n++ {
		stored = append(stored, must(tlog.StoredHashes(n, []byte(fmt.Sprintf("entry %d", n)), reader))...)
	}
	sizes := []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1000, 65535, 65536, 65537, largest}
	for _, size := range sizes {
		fmt.Printf("root %d %s\n", size, must(tlog.TreeHash(size, reader)))
		for _, index := range []int64{0, size / 3, size - 1} {
			fmt.Printf("inclusion %d %d %s\n", index, size, join(must(tlog.ProveRecord(size, index, reader))))
		}
		for _, old := range sizes {
			if old < size && (size < 600 || size == largest) {
				fmt.Printf("consistency %d %d %s\n", old, size, join(must(tlog.ProveTree(size, old, reader))))
			}
		}
	}
	for _, tile := range tlog.NewTiles(8, 0, largest) {
		if tile.L > 0 || tile.N%64 == 0 || tile.W < 256 {
			path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
			fmt.Printf("tile %s %x\n", path, sha256.Sum256(must(tlog.ReadTileData(tile, reader))))
		}
	}
	for at, name := range []string{"example.com/log", "example.com/second"} {
		skey, vkey, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{byte(at + 1)}, 64)), name)
		if err != nil {
			panic(err)
		}
		signer := must(note.NewSigner(skey))
		text := fmt.Sprintf("example.com/log\n%d\n%s\n", largest, must(tlog.TreeHash(largest, reader)))
		signed := must(note.Sign(&note.Note{Text: text}, signer))
		fmt.Printf("note %s %s\n", vkey, strings.ReplaceAll(string(signed), "\n", "\\n"))
	}
}
