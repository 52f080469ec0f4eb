using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Node;

/// <summary>Tests that start Pods on the shared cluster's node and read what they say.</summary>
public abstract class PodRun(SharedCluster shared) : NamespaceTest(shared)
{
    /// <summary>Starts the Pod, waits for its good end, and returns what its first container said.</summary>
    protected async Task<string> SaysAsync(string name, string yaml)
    {
        await ApplyAsync(yaml);
        string phase = await UntilAsync("pod/" + name, ".status.phase", p => p is "Succeeded" or "Failed");
        string log = await KubectlAsync("logs", name);
        Assert.True(phase == "Succeeded", $"{phase}: {log}\n{await KubectlAsync("get", "pod", name, "-o", "yaml")}");
        return log;
    }

    /// <summary>A Pod of one container that runs a script to its end.</summary>
    /// <param name="container">More of the container, one field a line, in flow style.</param>
    /// <param name="spec">More of the Pod's spec.</param>
    protected Task<string> ScriptAsync(string name, string script, string container = "", string spec = "", string metadata = "") => SaysAsync(name, Script(name, script, container, spec, metadata));

    protected static string Script(string name, string script, string container = "", string spec = "", string metadata = "") => $$"""
        apiVersion: v1
        kind: Pod
        metadata:
          name: {{name}}
        {{Indented(metadata, 2)}}
        spec:
          restartPolicy: Never
          terminationGracePeriodSeconds: 1
        {{Indented(spec, 2)}}
          containers:
          - name: main
            image: busybox:1
            command: [sh, -c, {{System.Text.Json.JsonSerializer.Serialize(script)}}]
        {{Indented(container, 4)}}
        """;

    static string Indented(string text, int by) => string.Join('\n', text.Split('\n').Where(l => l.Trim().Length > 0).Select(l => new string(' ', by) + l.TrimEnd()));

    /// <summary>The event's message, as soon as there is one.</summary>
    protected Task<string> EventAsync(string pod, string reason) => Until.Async($"event {reason} of {pod}",
        () => KubectlAsync("get", "events", "--field-selector", $"involvedObject.name={pod},reason={reason}", "-o", "jsonpath={.items[*].message}"), m => m.Length > 0,
        () => KubectlAsync("get", "events"));

    /// <summary>The log, once it holds a text.</summary>
    protected Task<string> LogAsync(string pod, string holds, params string[] more) =>
        Until.Async($"\"{holds}\" in the log of {pod}", async () => (await TryAsync(["logs", pod, .. more])).Out, l => l.Contains(holds), async () => (await TryAsync("describe", "pod", pod)).Out);
}
