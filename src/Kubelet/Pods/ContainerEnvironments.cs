using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Kubelet.Pods;

/// <summary>Reads what a container's variables refer to, and computes them in upstream's order: <c>envFrom</c>, then <c>env</c>, then what Services add.</summary>
public sealed class ContainerEnvironments(IPodObjects objects, IRecorder recorder, PodFolders folders) : IContainerEnvironments
{
    public async Task<ContainerEnvironment> ForAsync(Pod pod, Container container, CancellationToken ct)
    {
        string ns = pod.Metadata.Namespace;
        Variables services = new();
        foreach (var service in ServiceVariables.Shown(objects.Services(ns), objects.Services("default"), pod.Spec.EnableServiceLinks ?? true))
            foreach (var (name, value) in ServiceVariables.Of(service)) services.Set(name, value);

        // Each object is read once, so that all variables of a container see the same version.
        Dictionary<string, ConfigMap?> maps = [];
        Dictionary<string, Secret?> secrets = [];
        async ValueTask<ConfigMap?> ConfigMap(string name, bool optional)
        {
            if (!maps.TryGetValue(name, out var map)) maps[name] = map = await objects.ConfigMapAsync(ns, name, ct);
            return map is null && !optional ? throw new ContainerConfigException($"configmap \"{name}\" not found") : map;
        }
        async ValueTask<Secret?> Secret(string name, bool optional)
        {
            if (!secrets.TryGetValue(name, out var secret)) secrets[name] = secret = await objects.SecretAsync(ns, name, ct);
            return secret is null && !optional ? throw new ContainerConfigException($"secret \"{name}\" not found") : secret;
        }

        Variables variables = new();
        try
        {
            foreach (var from in container.EnvFrom)
            {
                if (from.ConfigMapRef is { } map && await ConfigMap(map.Name, map.Optional == true) is { } foundMap)
                    AddAll(pod, variables, foundMap.Data, from.Prefix, "configMap", map.Name);
                else if (from.SecretRef is { } secret && await Secret(secret.Name, secret.Optional == true) is { } foundSecret)
                    AddAll(pod, variables, foundSecret.Data.Select(d => KeyValuePair.Create(d.Key, d.Value.ToText())), from.Prefix, "secret", secret.Name);
            }
            foreach (var variable in container.Env)
            {
                string? value = variable.Value;
                if (value.Length > 0) value = new ContainerEnvironment(variables.Before(services)).Expand(value);
                else if (variable.ValueFrom is { } from)
                {
                    if (from.FieldRef is { } field) value = PodFields.Value(pod, field.FieldPath);
                    else if (from.ResourceFieldRef is { } resource) value = ContainerResources.Value(pod, resource, container, objects.Node);
                    else if (from.ConfigMapKeyRef is { } map)
                        value = KeyOf((await ConfigMap(map.Name, map.Optional == true))?.Data ?? default, map.Key, map.Optional == true, $"ConfigMap {ns}/{map.Name}");
                    else if (from.SecretKeyRef is { } secret)
                        value = (await Secret(secret.Name, secret.Optional == true))?.Data.TryGet(secret.Key, out var bytes) == true ? bytes.ToText()
                            : Missing(secret.Key, secret.Optional == true, $"Secret {ns}/{secret.Name}");
                    else if (from.FileKeyRef is { } file) value = EnvironmentFiles.Value(pod, file, folders);
                }
                if (value is not null) variables.Set(variable.Name, value);
            }
        }
        catch (ApiException e) { throw new ContainerConfigException(e.Message); }
        return new(variables.Before(services));
    }

    static string? KeyOf(Map<string> data, string key, bool optional, string of) => data.TryGet(key, out string? value) ? value : Missing(key, optional, of);

    static string? Missing(string key, bool optional, string of) => optional ? null : throw new ContainerConfigException($"couldn't find key {key} in {of}");

    void AddAll(Pod pod, Variables to, IEnumerable<KeyValuePair<string, string>> data, string prefix, string kind, string name)
    {
        List<string> skipped = [];
        foreach (var (key, value) in data)
            if (IsName(prefix + key)) to.Set(prefix + key, value); else skipped.Add(prefix + key);
        if (skipped.Count == 0) return;
        skipped.Sort(StringComparer.Ordinal);
        recorder.Event(pod, "Warning", "InvalidEnvironmentVariableNames",
            $"Keys [{string.Join(", ", skipped)}] from the EnvFrom {kind} {pod.Metadata.Namespace}/{name} were skipped "
            + "since they are considered invalid environment variable names.");
    }

    /// <summary>Anything printable without <c>=</c>: the relaxed rule (KEP-4369), by which every key of a ConfigMap or Secret will do.</summary>
    static bool IsName(string name) => name.Length > 0 && name.AsSpan().IndexOfAnyExceptInRange(' ', '~') < 0 && !name.Contains('=');

    /// <summary>Variables in the order in which they first came; a later value replaces an earlier one.</summary>
    sealed class Variables
    {
        readonly List<KeyValuePair<string, string>> _inOrder = [];
        readonly Dictionary<string, int> _index = [];

        public void Set(string name, string value)
        {
            if (_index.TryGetValue(name, out int at)) _inOrder[at] = new(name, value);
            else
            {
                _index[name] = _inOrder.Count;
                _inOrder.Add(new(name, value));
            }
        }

        /// <summary>These, then those of the others that these do not have.</summary>
        public Seq<KeyValuePair<string, string>> Before(Variables others) => [.. _inOrder, .. others._inOrder.Where(o => !_index.ContainsKey(o.Key))];
    }
}
