using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Hanbae.Grpc;

namespace Hanbae.CsiDriver;

/// <summary>Mounts and loop devices, as a driver makes them.</summary>
static class Disk
{
    const ulong Bind = 4096, Remount = 32, ReadOnly = 1;

    public static bool IsMounted(string path) => File.ReadLines("/proc/self/mountinfo").Any(l => l.Split(' ')[4] == path);

    public static void BindTo(string source, string target, bool readOnly)
    {
        Check(mount(source, target, null, Bind, 0), "mount " + target);
        if (readOnly) Check(mount("", target, null, Bind | Remount | ReadOnly, 0), "remount " + target);
    }

    public static void Unmount(string target)
    {
        while (IsMounted(target)) Check(umount2(target, 0), "umount " + target);
    }

    public static string Attach(string image) => Run("losetup", "--find", "--show", image).Trim();

    public static void Detach(string device) => Run("losetup", "--detach", device);

    public static void Reread(string device) => Run("losetup", "--set-capacity", device);

    /// <summary>The loop device that an image is behind; null when it is behind none.</summary>
    public static string? DeviceOf(string image) => Run("losetup", "--associated", image, "--noheadings", "--output", "NAME").Split('\n', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault()?.Trim();

    public static void Copy(string from, string to) => Run("cp", "-a", "--", from, to);

    static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new GrpcException(GrpcStatus.Internal, string.Create(CultureInfo.InvariantCulture, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {error.Result.Trim()}"));
    }

    static void Check(int result, string what)
    {
        if (result != 0) throw new GrpcException(GrpcStatus.Internal, what + ": " + Marshal.GetLastPInvokeErrorMessage());
    }

    [DllImport("libc", SetLastError = true, CharSet = CharSet.Ansi)] static extern int mount(string source, string target, string? type, ulong flags, nint data);
    [DllImport("libc", SetLastError = true, CharSet = CharSet.Ansi)] static extern int umount2(string target, int flags);
}
