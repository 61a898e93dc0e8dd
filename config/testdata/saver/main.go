// Saver replaces DIR/config by DIR/one and DIR/two in turn until it is killed,
// and keeps the versions before in DIR/kept.
package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"

	"sallyport/config"
)

func main() {
	dir := os.Args[1]
	one, two := read(dir+"/one"), read(dir+"/two")
	fmt.Println("saving")
	for {
		change := &config.Change{File: dir + "/config", Before: read(dir + "/config"), After: one}
		if bytes.Equal(change.Before, one) {
			change.After = two
		}
		if err := change.Apply(context.Background(), dir+"/kept"); err != nil {
			log.Fatal(err)
		}
	}
}

func read(path string) []byte {
	text, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	return text
}
