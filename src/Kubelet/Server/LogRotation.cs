using System.Globalization;
using Hanbae.Cri;
using Hanbae.Grpc;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Runtime;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Server;

/// <summary>Keeps running containers' logs bounded: a full file is moved aside and the runtime opens a new one; of each container so many files are kept.</summary>
/// <remarks>Older files stay uncompressed: whoever follows one that was just moved reads it to its end.</remarks>
sealed class LogRotation(ICri cri, PodWorkers workers, KubeletOptions options, TimeProvider time, ILogger log)
{
    public async Task RunAsync(CancellationToken ct)
    {
        while (true)
        {
            await Task.Delay(options.LogRotationPeriod, time, ct).ConfigureAwait(false);
            foreach (var container in workers.All.SelectMany(w => w.Runtime?.Containers ?? []).Where(c => c.State == RuntimeState.Running && c.LogPath.Length > 0))
            {
                try { await RotateAsync(container, ct).ConfigureAwait(false); }
                catch (Exception e) when (e is GrpcException or IOException or UnauthorizedAccessException && !ct.IsCancellationRequested) { log.Rotation(container.Name, e.Message); } // next time
            }
        }
    }

    public async Task RotateAsync(RuntimeContainer container, CancellationToken ct)
    {
        string path = container.LogPath;
        if (new FileInfo(path) is not { Exists: true } file || file.Length < options.LogMaxBytes) return;
        string folder = Path.GetDirectoryName(path)!, name = Path.GetFileName(path);
        // One is being written, one is made now: the rest may stay.
        foreach (string old in Directory.GetFiles(folder, name + ".*").Order(StringComparer.Ordinal).SkipLast(Math.Max(options.LogMaxFiles - 2, 0))) File.Delete(old);
        string aside = path + "." + time.GetUtcNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        File.Move(path, aside, overwrite: true);
        try { await cri.ReopenContainerLogAsync(container.Id, ct).ConfigureAwait(false); }
        catch
        {
            if (!File.Exists(path)) File.Move(aside, path); // the runtime still writes there
            throw;
        }
    }
}
