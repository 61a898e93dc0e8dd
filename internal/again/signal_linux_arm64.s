#include "textflag.h"

TEXT leave<>(SB), NOSPLIT|NOFRAME, $0
	MOVD $94, R8 // exit_group
	MOVD $255, R0
	SVC
	BRK

TEXT ·leaves(SB), NOSPLIT, $0-8
	MOVD $leave<>(SB), R0
	MOVD R0, ret+0(FP)
	RET
