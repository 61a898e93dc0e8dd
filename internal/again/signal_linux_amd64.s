#include "textflag.h"

TEXT leave<>(SB), NOSPLIT|NOFRAME, $0
	MOVL $231, AX // exit_group
	MOVL $255, DI
	SYSCALL
	INT  $3

TEXT ·leaves(SB), NOSPLIT, $0-8
	LEAQ leave<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET
