package main

import "os"

func main() { os.Exit(command(os.Args[1:])) }
