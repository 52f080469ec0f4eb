using System.Diagnostics;
using Hanbae.Api;
using Hanbae.Machinery.Figures;
using Hanbae.Server.Admission.Webhooks;

namespace Hanbae.Server.Admission;

/// <summary>The admission plugins in order, and how long each takes.</summary>
sealed class AdmissionChain(IReadOnlyList<IAdmission> plugins)
{
    readonly AdmissionTimes[] _times = [.. plugins.Select(_ => new AdmissionTimes())];
    readonly AdmissionTimes _steps = new();

    public bool IsEmpty => plugins.Count == 0;

    public async ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct)
    {
        request = await PassAsync(request, ct).ConfigureAwait(false);
        if (!request.Reinvocation.IsDue) return request.Object;
        // Once more, as upstream: what webhooks made of the object others may have to look at again.
        request.Reinvocation.IsSecond = true;
        return (await PassAsync(request, ct).ConfigureAwait(false)).Object;
    }

    async ValueTask<AdmissionRequest> PassAsync(AdmissionRequest request, CancellationToken ct)
    {
        long step = Stopwatch.GetTimestamp();
        bool passed = false;
        try
        {
            for (int i = 0; i < plugins.Count; i++)
                if (plugins[i] is IMutates plugin && plugin.Handles(request.Operation, request.Resource.GroupResource, request.Subresource))
                {
                    long began = Stopwatch.GetTimestamp();
                    bool let = false;
                    try
                    {
                        if (await plugin.MutateAsync(request, ct).ConfigureAwait(false) is { } obj && !ReferenceEquals(obj, request.Object)) request = request with { Object = obj };
                        let = true;
                    }
                    finally { _times[i].Add(request.Operation, validates: false, !let, Stopwatch.GetElapsedTime(began)); }
                }
            passed = true;
            return request;
        }
        finally { _steps.Add(request.Operation, validates: false, !passed, Stopwatch.GetElapsedTime(step)); }
    }

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        long step = Stopwatch.GetTimestamp();
        bool passed = false;
        try
        {
            for (int i = 0; i < plugins.Count; i++)
                if (plugins[i] is IValidates plugin && plugin.Handles(request.Operation, request.Resource.GroupResource, request.Subresource))
                {
                    long began = Stopwatch.GetTimestamp();
                    bool let = false;
                    try
                    {
                        await plugin.ValidateAsync(request, ct).ConfigureAwait(false);
                        let = true;
                    }
                    finally { _times[i].Add(request.Operation, validates: true, !let, Stopwatch.GetElapsedTime(began)); }
                }
            passed = true;
        }
        finally { _steps.Add(request.Operation, validates: true, !passed, Stopwatch.GetElapsedTime(step)); }
    }

    public void Render(PrometheusText text)
    {
        const string Plugins = "apiserver_admission_controller_admission_duration_seconds", Steps = "apiserver_admission_step_admission_duration_seconds";
        text.Family(Plugins, "histogram", "Time of admission plugins, by name, and whether they refused.");
        for (int i = 0; i < plugins.Count; i++)
            if (AdmissionCatalog.NameOf(plugins[i]) is { } name) _times[i].Render(text, Plugins, $"name=\"{name}\",");
        text.Family(Steps, "histogram", "Time of admission's two steps, and whether anybody refused.");
        _steps.Render(text, Steps, "");
        foreach (var counts in plugins.OfType<ICallsWebhooks>().Select(p => p.Counts).Distinct()) counts.Render(text);
    }
}
