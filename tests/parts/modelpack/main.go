// Command modelpack-validate judges a ModelPack config, read from stdin, by the validator of the
// specification's own authors. It exits 0 when they would take it, else 1 with their reason.
package main

import (
	"fmt"
	"os"

	"github.com/modelpack/model-spec/schema"
)

func main() {
	if err := schema.ValidatorMediaTypeModelConfig.Validate(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
