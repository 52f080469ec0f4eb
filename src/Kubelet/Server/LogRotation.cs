using System.Globalization;
using Hanbae.Cri;
using Hanbae.Grpc;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Runtime;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Server;

/// <summary>Keeps running containers' logs bounded: a full file is moved aside and the runtime opens a new one; of each container so many files are kept.</summary>
/// <remarks>The one that was moved last stays as it is until the next is: whoever follows it reads it to its end, and the runtime may have a line left to write.</remarks>
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
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            // Somebody took it away, or a kubelet was killed between the two halves of what is done below.
            await cri.ReopenContainerLogAsync(container.Id, ct).ConfigureAwait(false);
            return;
        }
        if (file.Length < options.LogMaxBytes) return;
        var aside = LogFiles.Aside(path);
        // One is being written, one is made now: the rest may stay.
        int most = Math.Max(options.LogMaxFiles - 2, 0);
        foreach (string old in aside.SkipLast(most)) File.Delete(old);
        foreach (string kept in aside.TakeLast(most)) await LogFiles.CompressAsync(kept, ct).ConfigureAwait(false);
        string moved = path + "." + time.GetUtcNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        File.Move(path, moved, overwrite: true);
        try { await cri.ReopenContainerLogAsync(container.Id, ct).ConfigureAwait(false); }
        catch
        {
            if (!File.Exists(path)) File.Move(moved, path); // the runtime still writes there
            throw;
        }
    }
}
