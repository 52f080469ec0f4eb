using System.Text.Json;

namespace Hanbae.Kubelet.Volumes.Remote;

/// <summary>A program in a folder of its own that mounts and unmounts, asked by its command line and answering in JSON: FlexVolume's contract.</summary>
/// <param name="name">As <c>vendor/driver</c>: the program is <c>vendor~driver/driver</c>.</param>
sealed class FlexDriver(Programs programs, string name)
{
    string File => Path.Combine(programs.Options.FlexDrivers, name.Replace('/', '~'), name[(name.LastIndexOf('/') + 1)..]);

    public bool IsThere => !name.Split('/').Any(p => p is "" or "." or "..") && programs.Find(File) is not null;

    /// <returns>Null when the driver has no such command: then the caller does what is usual.</returns>
    /// <exception cref="VolumeException">In upstream's words.</exception>
    public async Task<FlexAnswer?> CallAsync(CancellationToken ct, string command, params string[] arguments)
    {
        var run = await programs.RunAsync(File, [command, .. arguments], ct).ConfigureAwait(false);
        try
        {
            using var json = JsonDocument.Parse(run.Output);
            var said = json.RootElement;
            string Text(string field) => said.TryGetProperty(field, out var v) && v.ValueKind == JsonValueKind.String ? v.GetString()! : "";
            string status = Text("status");
            if (status == "Not supported") return null;
            if (status != "Success") throw new VolumeException($"{command} command failed, status: {status}, reason: {Text("message")}");
            if (run.Failed) throw new VolumeException($"exit status {run.Code}");
            bool Can(string what) => !(said.TryGetProperty("capabilities", out var can) && can.TryGetProperty(what, out var it) && it.ValueKind == JsonValueKind.False);
            return new(Text("device"), Can("attach"), Can("fsGroup"));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new VolumeException($"failed to unmarshal output for command: {command}, output: \"{run.Output.Trim()}\"", e);
        }
    }
}

/// <summary>What a driver said.</summary>
/// <param name="Attaches">Its disks are attached to the node first. What it does not say it can.</param>
/// <param name="Owns">Its volumes may be given to a Pod's group.</param>
readonly record struct FlexAnswer(string Device, bool Attaches, bool Owns);
