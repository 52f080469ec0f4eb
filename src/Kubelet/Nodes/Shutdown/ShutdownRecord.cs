using System.Text.Json;
using Hanbae.Kubelet.Placement;

namespace Hanbae.Kubelet.Nodes.Shutdown;

/// <summary>When the node was last shut down, in upstream's place and form: it is asked for after the next start.</summary>
sealed record ShutdownRecord(DateTimeOffset? Started, DateTimeOffset? Ended)
{
    const string FileName = "graceful_node_shutdown_state";

    public static ShutdownRecord Load(string folder)
    {
        string file = Path.Combine(folder, FileName);
        if (!File.Exists(file)) return new(null, null);
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file));
            return new(Time("startTime"), Time("endTime"));

            // Go's zero time means never.
            DateTimeOffset? Time(string name) => json.RootElement.TryGetProperty(name, out var value) && value.TryGetDateTimeOffset(out var time) && time.Year > 1 ? time : null;
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException or InvalidOperationException) { return new(null, null); }
    }

    /// <exception cref="IOException"/>
    public void Save(string folder) => Checkpoint.Write(Path.Combine(folder, FileName), json =>
    {
        json.WriteString("startTime", Started ?? DateTimeOffset.MinValue);
        json.WriteString("endTime", Ended ?? DateTimeOffset.MinValue);
    });
}
