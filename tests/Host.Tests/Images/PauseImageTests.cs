using System.Diagnostics;
using System.Runtime.InteropServices;
using Hanbae.Host.Images;
using Hanbae.Host.Runtime;
using Hanbae.Kit;

namespace Hanbae.Host.Tests.Images;

public sealed class PauseImageTests
{
    [Theory]
    [InlineData(Architecture.X64, "pause.x86_64.S", "as --64", "objcopy")]
    [InlineData(Architecture.Arm64, "pause.aarch64.S", "aarch64-linux-gnu-as", "aarch64-linux-gnu-objcopy")]
    [InlineData(Architecture.Arm64, "pause.aarch64.S", "llvm-mc -arch=aarch64 -filetype=obj", "llvm-objcopy")]
    public async Task The_bytes_are_what_the_source_assembles_to(Architecture architecture, string source, string assembler, string objcopy)
    {
        string[] words = assembler.Split(' ');
        // The tools of the other architecture are rarely there; those of this one are with any compiler.
        if (Tool.Find(words[0]) is null || Tool.Find(objcopy) is null || (words[0] == "as" && RuntimeInformation.OSArchitecture != Architecture.X64)) return;
        using var scratch = new Scratch();
        string file = Path.Combine(Repository.Root, "tools/pause", source);
        var assembled = await Tool.RunAsync(words[0], [.. words[1..], "-o", scratch / "pause.o", file]);
        Assert.True(assembled.Succeeded, assembled.Error);
        await Tool.RunAsync(objcopy, ["-O", "binary", "-j", ".text", scratch / "pause.o", scratch / "pause.bin"]);

        Assert.Equal(File.ReadAllBytes(scratch / "pause.bin"), PauseImage.Code(architecture).ToArray());
    }

    [Theory]
    [InlineData(15)]
    [InlineData(2)]
    public async Task It_waits_and_leaves_with_success_on_a_signal(int signal)
    {
        using var scratch = new Scratch();
        using var process = Start(scratch);
        // It has blocked its signals once it sleeps in sigtimedwait; before that a signal would end it with a failure.
        await UntilBlockedAsync(process.Id);

        Assert.True(Native.Kill(process.Id, signal));
        await process.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token);

        Assert.Equal(0, process.ExitCode);
    }

    [ContainerLikeFact]
    public async Task As_process_1_it_reaps_what_is_orphaned_to_it()
    {
        using var scratch = new Scratch();
        string pause = Write(scratch);
        // A shell in a new PID namespace leaves two orphans behind and becomes pause: they die as its children.
        var info = new ProcessStartInfo("unshare", ["--pid", "--fork", "--mount-proc", "/bin/sh", "-c", $"(sleep 0.1 & sleep 0.1 & exit 0); exec {pause}"]);
        using var unshare = Process.Start(info)!;
        try
        {
            int first = 0;
            await UntilAsync(() => (first = ChildrenOf(unshare.Id).FirstOrDefault()) != 0 && CommandOf(first).StartsWith(pause, StringComparison.Ordinal));
            await UntilAsync(() => ChildrenOf(first).Count == 0);

            Native.Kill(first, Native.SigTerm);
            await unshare.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token);
            Assert.Equal(0, unshare.ExitCode);
        }
        finally
        {
            if (!unshare.HasExited) unshare.Kill(entireProcessTree: true);
        }
    }

    [Fact]
    public async Task The_same_program_is_always_the_same_image()
    {
        using MemoryStream one = new(), two = new();
        await PauseImage.WriteAsync(one, Architecture.X64, default);
        await PauseImage.WriteAsync(two, Architecture.X64, default);
        Assert.Equal(one.ToArray(), two.ToArray());
        Assert.InRange(one.Length, 1, 20_000);
    }

    static string Write(Scratch scratch)
    {
        string file = scratch / "pause";
        File.WriteAllBytes(file, PauseImage.Elf(RuntimeInformation.OSArchitecture));
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return file;
    }

    static Process Start(Scratch scratch) => Process.Start(Write(scratch))!;

    static Task UntilBlockedAsync(int pid) => UntilAsync(() =>
    {
        string status = File.ReadAllText($"/proc/{pid}/status");
        string blocked = status.Split('\n').First(l => l.StartsWith("SigBlk:", StringComparison.Ordinal))[7..].Trim();
        // While it waits, the kernel lifts the block of what it waits for: the line then reads 0 and the process sleeps in the call.
        return blocked == "0000000000014002" || (File.ReadAllText($"/proc/{pid}/syscall").StartsWith("128 ", StringComparison.Ordinal) || File.ReadAllText($"/proc/{pid}/syscall").StartsWith("137 ", StringComparison.Ordinal));
    });

    static IReadOnlyList<int> ChildrenOf(int pid) =>
        [.. File.ReadAllText($"/proc/{pid}/task/{pid}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];

    static string CommandOf(int pid) => File.ReadAllText($"/proc/{pid}/cmdline");

    static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition()) await Task.Delay(5, limit.Token);
    }
}

/// <summary>Runs as root only: making a PID namespace needs it.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ContainerLikeFactAttribute : FactAttribute
{
    public ContainerLikeFactAttribute()
    {
        if (!Environment.IsPrivilegedProcess) Skip = "needs root";
    }
}

/// <summary>A folder for one test.</summary>
sealed class Scratch : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("hanbae-").FullName;

    public static string operator /(Scratch scratch, string name) => Path.Combine(scratch.Folder, name);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
