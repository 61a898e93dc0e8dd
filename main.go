// Sallyport is a terminal UI connection manager for SSH: it reads
// ~/.ssh/config as ssh does, opens shells through any number of jump hosts,
// and keeps port forwards alive in a background process.
package main

import (
	"context"
	"os"

	"sallyport/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), cli.Arguments(os.Args), cli.Stdio{
		In:  os.Stdin,
		Out: os.Stdout,
		Err: os.Stderr,
	}))
}
