// Package bench measures the built program from outside, where a ratio against
// OpenSSH or a time that a person feels is promised:
//
//	go test -bench . ./bench
//
// README.md beside it has the figures. What can be measured inside one package
// is a benchmark there.
package bench
