// The table of commands.

using NanoFlow.Cli;
using NanoFlow.Commands;

namespace NanoFlow;

internal static class CommandTable
{
    public static IReadOnlyList<Command> All { get; } =
    [
        ServeCommand.Command,
        CalibrateCommand.Command,
        SearchCommand.Command,
        ShowCommand.Command,
        TraceCommand.Command,
        AblateCommand.Command,
        SimulateCommand.Command,
        BenchServeCommand.Command,
        BenchThroughputCommand.Command,
        BenchKernelsCommand.Command,
        EvalKlCommand.Command,
        MemoryCommand.Command,
        DoctorCommand.Command,
        ModelInspectCommand.Command,
        ModelNewCommand.Command,
    ];
}
