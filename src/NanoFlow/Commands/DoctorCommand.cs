// nanoflow doctor: can this machine serve, and with what? Each check says what it found; the
// program ends with 1 when one failed.

using System.Diagnostics;
using System.Runtime.InteropServices;
using NanoFlow.Cli;
using NanoFlow.Engine;

namespace NanoFlow.Commands;

internal static class DoctorCommand
{
    // Any size will do: the echo model has no weights.
    private const int EchoVocabulary = 256;

    private const string NotOnWindows =
        "builds for Windows have no CUDA backend, because nvcc needs MSVC there and ours are made "
        + "with MinGW; the linux-x64-cuda build runs under WSL 2";

    public static Command Command { get; } = new(
        "doctor",
        null,
        "Checks what this machine has to serve with.",
        [CommonFlags.Json],
        Run);

    private static Task<int> Run(Given given)
    {
        var figures = new Figures();
        figures.Add("version", "nanoflow", ProgramVersion.Text);
        figures.Add("runtime", "runtime", RuntimeInformation.FrameworkDescription);
        figures.Add("system", "system", RuntimeInformation.OSDescription);
        figures.Add("architecture", "architecture", $"{RuntimeInformation.ProcessArchitecture}");
        figures.Add("cores", "cores this process may use", Environment.ProcessorCount);
        var ok = TryNative(figures);
        figures.Add("ok", "ready to serve", ok, ok ? "yes" : "no");
        figures.Write(given.Get(CommonFlags.Json, false));
        return Task.FromResult(ok ? 0 : 1);
    }

    private static bool TryNative(Figures figures)
    {
        try
        {
            AddEngine(figures);
            AddGpus(figures);
            return true;
        }
        catch (Exception e) when (e is EngineException or DllNotFoundException
            or EntryPointNotFoundException or BadImageFormatException)
        {
            figures.Add("engine_error", "native engine", e.Message);
            return false;
        }
    }

    // Starts an engine without weights: the library is there, has the right version, and finds
    // kernels for this processor.
    private static void AddEngine(Figures figures)
    {
        using var engine = InferenceEngine.Load(
            EngineModel.Echo(EchoVocabulary), new EngineOptions());
        var device = engine.Facts.Device;
        var available = engine.Facts.Memory.Available;
        figures.Add("native_library", "native library", LibraryPath());
        figures.Add("backend", "backend", device.Name);
        figures.Add("processor", "processor", device.Processor);
        figures.Add("threads", "threads", device.UnitCount);
        figures.Add("instruction_set", "instruction set", device.InstructionSet);
        figures.Add("reason", "why that one", device.Reason);
        figures.Add("available_bytes", "memory available", available, Figures.Bytes(available));
    }

    private static string LibraryPath()
    {
        using var process = Process.GetCurrentProcess();
        return process.Modules.Cast<ProcessModule>()
            .Select(module => module.FileName)
            .FirstOrDefault(path => Path.GetFileName(path).Contains("nanoflow_core")) ?? "unknown";
    }

    private static void AddGpus(Figures figures)
    {
        var first = DeviceProbe.Of(DeviceKind.Cuda);
        if (first.Device is null)
        {
            var problem = OperatingSystem.IsWindows() ? NotOnWindows : first.Problem;
            figures.Add("cuda", "cuda", false, $"no: {problem}");
            figures.Add("cuda_problem", problem);
            return;
        }
        figures.Add("cuda", "cuda", true, "yes");
        var probe = first;
        for (var i = 0; probe.Device is { } gpu; probe = DeviceProbe.Of(DeviceKind.Cuda, ++i))
        {
            AddGpu(figures, $"gpu_{i}_", gpu);
        }
    }

    private static void AddGpu(Figures figures, string key, DeviceFacts gpu)
    {
        var label = key.TrimEnd('_').Replace('_', ' ');
        figures.Add(
            key + "name",
            label,
            gpu.Processor,
            $"{gpu.Processor}, {gpu.UnitCount} SMs, {gpu.InstructionSet}: {gpu.Reason}");
        figures.Add(key + "units", gpu.UnitCount);
        figures.Add(key + "instruction_set", gpu.InstructionSet);
        figures.Add(
            key + "memory_bytes",
            $"{label} memory",
            gpu.MemoryTotal,
            $"{Figures.Bytes(gpu.MemoryTotal)}, {Figures.Bytes(gpu.MemoryFree)} free");
        figures.Add(key + "memory_free_bytes", gpu.MemoryFree);
        figures.Add(key + "libraries", $"{label} libraries", gpu.Libraries);
        figures.Add(
            key + "hard_split",
            $"{label} hard split",
            gpu.HasDisjointPartitions,
            gpu.HasDisjointPartitions
                ? $"yes, into multiples of {gpu.UnitStep} SMs"
                : "no: the driver has no green contexts; plans share SMs instead");
    }
}
