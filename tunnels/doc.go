// Package tunnels runs port forwards on a link.
package tunnels
