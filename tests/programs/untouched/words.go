package main

// k64 is as long as [apart] says.
const (
	k1  = "................................................................"
	k2  = k1 + k1 + k1 + k1 + k1 + k1 + k1 + k1
	k3  = k2 + k2 + k2 + k2 + k2 + k2 + k2 + k2
	k64 = k3 + k3 + k3 + k3 + k3 + k3 + k3 + k3 + k3 + k3 + k3 + k3 + k3 + k3 + k3 + k3
)

// Each begins with a word of five letters, and has the same after 64 KiB.
var words = [...]string{
	"amber" + k64 + "AMBER" + k64,
	"basil" + k64 + "BASIL" + k64,
	"cedar" + k64 + "CEDAR" + k64,
	"daisy" + k64 + "DAISY" + k64,
	"elder" + k64 + "ELDER" + k64,
	"ferns" + k64 + "FERNS" + k64,
	"grape" + k64 + "GRAPE" + k64,
	"hazel" + k64 + "HAZEL" + k64,
	"irise" + k64 + "IRISE" + k64,
	"jades" + k64 + "JADES" + k64,
	"kites" + k64 + "KITES" + k64,
	"lemon" + k64 + "LEMON" + k64,
	"maple" + k64 + "MAPLE" + k64,
	"nutty" + k64 + "NUTTY" + k64,
	"olive" + k64 + "OLIVE" + k64,
	"pansy" + k64 + "PANSY" + k64,
}
