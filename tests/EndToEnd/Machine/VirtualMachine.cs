using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Hanbae.EndToEnd.Rig;
using Hanbae.Kit;
using Program = Hanbae.EndToEnd.Rig.Program;

namespace Hanbae.EndToEnd.Machine;

/// <summary>A small machine under emulation, with systemd and cgroup v2, which a test talks to as to a shell; what it writes to its disk is forgotten with it.</summary>
public sealed class VirtualMachine : IAsyncDisposable
{
    // Emulated processors on a busy machine are slow: nothing takes as long as this.
    static readonly TimeSpan s_step = TimeSpan.FromMinutes(6), s_image = TimeSpan.FromMinutes(10);
    static readonly string[] s_programs = ["qemu-system-x86_64", "debootstrap", "mkfs.ext4", "apt-get", "busybox"];

    readonly Process _emulator;
    readonly string _folder;

    VirtualMachine(Process emulator, string folder, int port) => (_emulator, _folder, Port) = (emulator, folder, port);

    /// <summary>Where this machine's port of the API is on the one that runs the test.</summary>
    public int Port { get; }

    /// <summary>Why there can be no such machine; null when there can.</summary>
    public static string? Missing { get; } =
        Environment.GetEnvironmentVariable("HANBAE_MACHINE") is not "1" ? "takes minutes on an emulated machine: run with HANBAE_MACHINE=1"
        : !Environment.IsPrivilegedProcess ? "needs root, since debootstrap does"
        : System.Runtime.InteropServices.RuntimeInformation.OSArchitecture != System.Runtime.InteropServices.Architecture.X64 ? "needs an x86-64 machine"
        : s_programs.FirstOrDefault(p => Program.Find(p) is null) is { } program ? $"needs {program}"
        // There is no .NET in it: only a program that brings its own runs there.
        : File.Exists(Path.Combine(Path.GetDirectoryName(Prerequisites.Hanbae)!, "libclrjit.so")) ? Prerequisites.MissingForControlPlane : "needs a published program that brings .NET along, named by HANBAE";

    /// <summary>Boots one, from an image that is made once.</summary>
    /// <param name="payload">Files and folders that it finds in <c>/payload</c>.</param>
    public static async Task<VirtualMachine> BootAsync(params string[] payload)
    {
        string image = await ImageAsync(), folder = Directory.CreateTempSubdirectory("hanbae-machine-").FullName, disk = Path.Combine(folder, "payload.img"), files = Path.Combine(folder, "payload");
        Directory.CreateDirectory(files);
        foreach (string path in payload) (await Program.RunAsync("cp", ["-r", path, files])).Ok();
        (await Program.RunAsync("truncate", ["-s", "1G", disk])).Ok();
        (await Program.RunAsync(Program.Find("mkfs.ext4")!, ["-q", "-O", "^has_journal", "-d", files, disk])).Ok();
        Directory.Delete(files, recursive: true);
        int port = RealCluster.FreePort();
        var start = new ProcessStartInfo(Program.Find("qemu-system-x86_64")!,
        [
            "-accel", "tcg,thread=multi", "-cpu", "max", "-m", "2048", "-smp", "2", "-display", "none", "-no-reboot", "-nic", $"user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:{port}-:6443",
            "-kernel", image + "/kernel", "-initrd", image + "/initrd", "-append", "console=ttyS0 quiet panic=-1 mitigations=off psi=1",
            "-drive", $"file={image}/disk.img,format=raw,if=virtio,snapshot=on", "-drive", $"file={disk},format=raw,if=virtio,readonly=on",
            "-serial", $"file:{folder}/console.log", "-serial", "stdio",
        ]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["TMPDIR"] = folder;
        var machine = new VirtualMachine(Process.Start(start)!, folder, port);
        await machine.UntilAsync(line => line == "machine-ready", "the machine to boot");
        return machine;
    }

    /// <summary>Runs a script in the machine.</summary>
    public async Task<Ran> RunAsync(string script)
    {
        await _emulator.StandardInput.WriteLineAsync(Convert.ToBase64String(Encoding.UTF8.GetBytes(script)));
        await _emulator.StandardInput.FlushAsync();
        var (said, end) = await UntilAsync(line => line.StartsWith("machine-exit ", StringComparison.Ordinal), script);
        return new(script, int.Parse(end.Split(' ')[1]), said, "");
    }

    /// <summary>Shuts it down as a person would.</summary>
    public async Task PowerOffAsync()
    {
        await _emulator.StandardInput.WriteLineAsync(Convert.ToBase64String("systemctl poweroff"u8));
        await _emulator.StandardInput.FlushAsync();
        using var limit = new CancellationTokenSource(s_step);
        await _emulator.StandardOutput.ReadToEndAsync(limit.Token);
        await _emulator.WaitForExitAsync(limit.Token);
    }

    async Task<(string Before, string Line)> UntilAsync(Func<string, bool> enough, string what)
    {
        var before = new StringBuilder();
        using var limit = new CancellationTokenSource(s_step);
        try
        {
            while (await _emulator.StandardOutput.ReadLineAsync(limit.Token) is { } line)
            {
                if (enough(line.TrimEnd('\r'))) return (before.ToString(), line);
                before.Append(line).Append('\n');
            }
        }
        catch (OperationCanceledException) { }
        string console = File.Exists(_folder + "/console.log") ? await File.ReadAllTextAsync(_folder + "/console.log") : "";
        throw new Xunit.Sdk.XunitException($"waited in vain for: {what}\nsaid so far: {before}\nconsole: {console[Math.Max(0, console.Length - 4000)..]}");
    }

    /// <returns>The folder of the image: made anew when what it is made by has changed.</returns>
    static async Task<string> ImageAsync()
    {
        string script = Path.Combine(Repository.Root, "tests/EndToEnd/Machine/image.sh");
        string folder = Path.Combine(Repository.Root, ".out/machine-" + Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(script)).AsSpan(0, 4)));
        if (Directory.Exists(folder)) return folder;
        Directory.CreateDirectory(Path.GetDirectoryName(folder)!);
        using var making = Process.Start(new ProcessStartInfo("/bin/bash", ["-c", "exec \"$0\" \"$1\" 2>&1", script, folder]) { RedirectStandardOutput = true })!;
        var said = making.StandardOutput.ReadToEndAsync();
        using var limit = new CancellationTokenSource(s_image);
        try { await making.WaitForExitAsync(limit.Token); }
        catch (OperationCanceledException) { making.Kill(entireProcessTree: true); }
        return Directory.Exists(folder) ? folder : throw new Xunit.Sdk.XunitException("the image could not be made:\n" + await said);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_emulator.HasExited) _emulator.Kill(entireProcessTree: true);
        await _emulator.WaitForExitAsync();
        _emulator.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>A test in a machine of its own.</summary>
public sealed class VirtualMachineFactAttribute : FactAttribute
{
    public VirtualMachineFactAttribute() => Skip = VirtualMachine.Missing;
}
