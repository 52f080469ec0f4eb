using System.Diagnostics;
using System.Text;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes.Remote;

/// <summary>Runs the node's helpers for storage, each for a bounded time: a server that does not answer holds up nobody but who asked.</summary>
sealed class Programs(ProgramOptions options, TimeProvider time)
{
    const int MostOutput = 16 << 10;
    static readonly TimeSpan s_last = TimeSpan.FromSeconds(5), s_rest = TimeSpan.FromSeconds(5);

    public ProgramOptions Options => options;

    public string? Find(string name) => options.Folders.Select(f => Path.Combine(f, name)).FirstOrDefault(p =>
        Native.Status(p, follow: true) is { IsFile: true } there && (there.Permissions & 0x49) != 0); // executable by somebody

    /// <exception cref="VolumeException">It is not there; the message says what to install.</exception>
    public string Need(string name, string kind, string package) =>
        Find(name) ?? throw new VolumeException($"{kind} volumes need the program {name}, which this node does not have: install {package}");

    /// <param name="arguments">Never a secret, where the program lets one be handed over otherwise.</param>
    /// <exception cref="VolumeException">It is not there, cannot be started, or did not end in time.</exception>
    public async Task<ProgramRun> RunAsync(string name, IEnumerable<string> arguments, CancellationToken ct)
    {
        var start = new ProcessStartInfo(Find(name) ?? throw new VolumeException($"executable file \"{name}\" not found on this node"), arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = "/",
        };
        start.Environment["PATH"] = string.Join(':', options.Folders);
        start.Environment["LC_ALL"] = "C";
        Process process;
        try { process = Process.Start(start) ?? throw new VolumeException($"{name} cannot be started"); }
        catch (System.ComponentModel.Win32Exception e) { throw new VolumeException($"{name} cannot be started: {e.Message}", e); }
        using (process)
        {
            process.StandardInput.Close();
            var said = new StringBuilder();
            var reads = Task.WhenAll(ReadAsync(process.StandardOutput, said), ReadAsync(process.StandardError, said));
            using var limit = new CancellationTokenSource(options.Patience, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
            try { await process.WaitForExitAsync(either.Token).ConfigureAwait(false); }
            catch (OperationCanceledException)
            {
                await EndAsync(process).ConfigureAwait(false);
                ct.ThrowIfCancellationRequested();
                throw new VolumeException($"{name} did not end within {options.Patience.TotalSeconds:0} s");
            }
            // A helper may leave a daemon behind that keeps its output open.
            await Task.WhenAny(reads, Task.Delay(s_rest, time, CancellationToken.None)).ConfigureAwait(false);
            lock (said) return new(process.ExitCode, said.ToString());
        }
    }

    async Task EndAsync(Process process)
    {
        try { process.Kill(entireProcessTree: true); }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception or AggregateException) { } // it ended at this moment
        using var last = new CancellationTokenSource(s_last, time);
        try { await process.WaitForExitAsync(last.Token).ConfigureAwait(false); }
        catch (OperationCanceledException) { } // the kernel holds on to it
    }

    static async Task ReadAsync(StreamReader from, StringBuilder into)
    {
        var buffer = new char[1024];
        try
        {
            for (int n; (n = await from.ReadAsync(buffer).ConfigureAwait(false)) > 0;)
                lock (into) into.Append(buffer, 0, Math.Min(n, MostOutput - into.Length));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException) { } // nobody listens any more
    }
}

/// <summary>How a helper ended.</summary>
/// <param name="Output">Of both streams; as much as fits into an event.</param>
readonly record struct ProgramRun(int Code, string Output)
{
    public bool Failed => Code != 0;
}
