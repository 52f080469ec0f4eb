using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What keeps Pods running: its selector selects its own Pods, and stays.</summary>
static class WorkloadRules
{
    const string Mismatch = "`selector` does not match template `labels`";

    public static void Check(Deployment o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        errors.NotNegative(at["replicas"], s.Replicas);
        Selector(at, s.Selector, "empty selector is invalid for deployment", errors);
        Template(at, s.Selector, s.Template, "ReplicaSet", errors);
        errors.NotNegative(at["minReadySeconds"], s.MinReadySeconds);
        errors.NotNegative(at["revisionHistoryLimit"], s.RevisionHistoryLimit);
        if (s.ProgressDeadlineSeconds is { } deadline)
        {
            errors.NotNegative(at["progressDeadlineSeconds"], deadline);
            if (deadline <= s.MinReadySeconds) errors.Invalid(at["progressDeadlineSeconds"], deadline, "must be greater than minReadySeconds");
        }
        var (here, strategy) = (at["strategy"], s.Strategy);
        if (strategy.Type == "Recreate")
        {
            if (strategy.RollingUpdate is not null) errors.Forbidden(here["rollingUpdate"], "may not be specified when strategy `type` is 'Recreate'");
        }
        else if (strategy.Type == "RollingUpdate")
        {
            if (strategy.RollingUpdate is { } roll) Rolling(here["rollingUpdate"], roll.MaxUnavailable, roll.MaxSurge, errors);
            else errors.Required(here["rollingUpdate"], "this should be defaulted and never be nil");
        }
        else errors.OneOf(here["type"], strategy.Type, "Recreate", "RollingUpdate");
    }

    public static void Check(ReplicaSet o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        errors.NotNegative(at["replicas"], s.Replicas);
        errors.NotNegative(at["minReadySeconds"], s.MinReadySeconds);
        Selector(at, s.Selector, "empty selector is invalid for deployment", errors);
        Template(at, s.Selector, s.Template, "ReplicaSet", errors);
    }

    public static void Check(StatefulSet o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        Common(o, errors);
        // What cannot be changed is looked at once: it becomes the Pods' subdomain, and their claims.
        if (s.ServiceName.Length > 0) errors.Invalid(at["serviceName"], s.ServiceName, Names.Label(s.ServiceName));
        for (int i = 0; i < s.VolumeClaimTemplates.Count; i++) ClaimRules.Made(at["volumeClaimTemplates"][i]["spec"], s.VolumeClaimTemplates[i].Spec, errors);
    }

    static void Common(StatefulSet o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        if (s.PodManagementPolicy.Length == 0) errors.Required(at["podManagementPolicy"]);
        else if (s.PodManagementPolicy is not ("OrderedReady" or "Parallel")) errors.Invalid(at["podManagementPolicy"], s.PodManagementPolicy, "must be 'OrderedReady' or 'Parallel'");
        if (s.PersistentVolumeClaimRetentionPolicy is { } retention)
        {
            var here = at["persistentVolumeClaimRetentionPolicy"];
            errors.OneOf(here["whenDeleted"], retention.WhenDeleted, "Retain", "Delete");
            errors.OneOf(here["whenScaled"], retention.WhenScaled, "Retain", "Delete");
        }
        switch (s.UpdateStrategy.Type)
        {
            case "": errors.Required(at["updateStrategy"]); break;
            case "OnDelete":
                if (s.UpdateStrategy.RollingUpdate is not null)
                    errors.InvalidAs(at["updateStrategy"]["rollingUpdate"], Shown.Message(s.UpdateStrategy.RollingUpdate), "only allowed for updateStrategy 'RollingUpdate'");
                break;
            case "RollingUpdate":
                var rolling = at["updateStrategy"]["rollingUpdate"];
                errors.NotNegative(rolling["partition"], s.UpdateStrategy.RollingUpdate?.Partition);
                if (s.UpdateStrategy.RollingUpdate?.MaxUnavailable is not { } most) break;
                NumberOrPercent(rolling["maxUnavailable"], most, errors);
                if (IsZero(most)) errors.InvalidAs(rolling["maxUnavailable"], Show(most), "cannot be 0");
                AtMostAll(rolling["maxUnavailable"], most, errors);
                break;
            default: errors.Invalid(at["updateStrategy"], s.UpdateStrategy.Type, "must be 'RollingUpdate' or 'OnDelete'"); break;
        }
        errors.NotNegative(at["replicas"], s.Replicas);
        errors.NotNegative(at["minReadySeconds"], s.MinReadySeconds);
        if (s.Ordinals is { } ordinals) errors.NotNegative(at["ordinals.start"], ordinals.Start);
        Selector(at, s.Selector, "empty selector is invalid for statefulset", errors);
        Template(at, s.Selector, WithClaims(s), "StatefulSet", errors);
    }

    /// <summary>The template with the volumes that each member gets from its claims: containers may mount them.</summary>
    static PodTemplateSpec WithClaims(StatefulSetSpec s)
    {
        if (s.VolumeClaimTemplates.IsEmpty) return s.Template;
        var claims = s.VolumeClaimTemplates.Where(c => !s.Template.Spec.Volumes.Exists(v => v.Name == c.Metadata.Name))
            .Select(c => new Volume { Name = c.Metadata.Name, PersistentVolumeClaim = new() { ClaimName = c.Metadata.Name } });
        return s.Template with { Spec = s.Template.Spec with { Volumes = [.. s.Template.Spec.Volumes, .. claims] } };
    }

    public static void Check(DaemonSet o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        Selector(at, s.Selector, "empty selector is invalid for daemonset", errors);
        Template(at, s.Selector, s.Template, "DaemonSet", errors);
        errors.NotNegative(at["minReadySeconds"], s.MinReadySeconds);
        errors.NotNegative(at["revisionHistoryLimit"], s.RevisionHistoryLimit);
        if (s.UpdateStrategy.Type == "RollingUpdate")
        {
            if (s.UpdateStrategy.RollingUpdate is { } roll) Rolling(at["updateStrategy"]["rollingUpdate"], roll, errors);
            else errors.Required(at["updateStrategy"]["rollingUpdate"]);
        }
        else errors.OneOf(at["updateStrategy"]["type"], s.UpdateStrategy.Type, "RollingUpdate", "OnDelete");
    }

    public static void Check(ReplicationController o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        errors.NotNegative(at["minReadySeconds"], s.MinReadySeconds);
        if (s.Selector.IsEmpty) errors.Required(at["selector"]);
        errors.NotNegative(at["replicas"], s.Replicas);
        if (s.Template is not { } template) { errors.Required(at["template"]); return; }
        if (!s.Selector.IsEmpty && !LabelRules.Matches(new() { MatchLabels = s.Selector }, template.Metadata.Labels))
            errors.InvalidAs(at["template"]["metadata"]["labels"], Shown.Map(template.Metadata.Labels), Mismatch);
        Pods(at["template"], template, "ReplicationController", errors);
    }

    static void Selector(FieldPath at, LabelSelector? selector, string empty, Errors errors)
    {
        if (selector is null) { errors.Required(at["selector"]); return; }
        LabelRules.Selector(at["selector"], selector, errors);
        if (LabelRules.IsEmpty(selector)) errors.InvalidAs(at["selector"], Shown.Message(selector), empty);
    }

    static void Template(FieldPath at, LabelSelector? selector, PodTemplateSpec template, string kind, Errors errors)
    {
        // None at all selects nothing, so it does not select the template either.
        if (selector is null || !LabelRules.IsEmpty(selector) && !LabelRules.Matches(selector, template.Metadata.Labels))
            errors.InvalidAs(at["template"]["metadata"]["labels"], Shown.Map(template.Metadata.Labels), Mismatch);
        Pods(at["template"], template, kind, errors);
    }

    /// <summary>What keeps Pods running has Pods that run always.</summary>
    static void Pods(FieldPath at, PodTemplateSpec template, string kind, Errors errors)
    {
        PodRules.Template(at, template, errors);
        if (template.Spec.RestartPolicy != "Always") errors.OneOf(at["spec"]["restartPolicy"], template.Spec.RestartPolicy, "Always");
        if (template.Spec.ActiveDeadlineSeconds is not null) errors.Forbidden(at["spec"]["activeDeadlineSeconds"], $"activeDeadlineSeconds in {kind} is not Supported");
    }

    static void Rolling(FieldPath at, IntOrString? maxUnavailable, IntOrString? maxSurge, Errors errors)
    {
        NumberOrPercent(at["maxUnavailable"], maxUnavailable, errors);
        NumberOrPercent(at["maxSurge"], maxSurge, errors);
        if (IsZero(maxUnavailable) && IsZero(maxSurge)) errors.InvalidAs(at["maxUnavailable"], Show(maxUnavailable), "may not be 0 when `maxSurge` is 0");
        AtMostAll(at["maxUnavailable"], maxUnavailable, errors);
    }

    /// <summary>A node has one Pod of a set: it is replaced before it goes or after, not both.</summary>
    static void Rolling(FieldPath at, RollingUpdateDaemonSet roll, Errors errors)
    {
        NumberOrPercent(at["maxUnavailable"], roll.MaxUnavailable, errors);
        NumberOrPercent(at["maxSurge"], roll.MaxSurge, errors);
        AtMostAll(at["maxUnavailable"], roll.MaxUnavailable, errors);
        AtMostAll(at["maxSurge"], roll.MaxSurge, errors);
        static bool Is(IntOrString? value) => value is not null && !IsZero(value);
        if (Is(roll.MaxUnavailable) && Is(roll.MaxSurge)) errors.InvalidAs(at["maxSurge"], Show(roll.MaxSurge), "may not be set when maxUnavailable is non-zero");
        else if (!Is(roll.MaxUnavailable) && !Is(roll.MaxSurge)) errors.Required(at["maxUnavailable"], "cannot be 0 when maxSurge is 0");
    }

    public static void AtMostAll(FieldPath at, IntOrString? value, Errors errors)
    {
        if (Percent(value) > 100) errors.InvalidAs(at, Show(value), "must not be greater than 100%");
    }

    static bool IsZero(IntOrString? value) => value is { } v && (v.IsString ? Percent(v) == 0 : v.Int == 0);
    static int? Percent(IntOrString? value) => value is { IsString: true, String: { } text } && text.EndsWith('%') && int.TryParse(text.AsSpan(0, text.Length - 1), out int percent) ? percent : null;
    static string Show(IntOrString? value) => value is not { } v ? "null" : v.IsString ? FieldError.Quoted(v.String!) : Shown.Number(v.Int);

    public static void NumberOrPercent(FieldPath at, IntOrString? value, Errors errors)
    {
        if (value is not { } v) return;
        if (!v.IsString) errors.NotNegative(at, v.Int);
        else if (Percent(v) is null or < 0)
            errors.Invalid(at, v.String!, "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')");
    }

    public static void SameSelector(LabelSelector? now, LabelSelector? old, Errors errors) =>
        errors.Unchanged(FieldPath.Spec["selector"], now, old, s => s is null ? "null" : Shown.Message(s));

    public static void Update(Deployment o, Deployment old, Errors errors)
    {
        Check(o, errors);
        SameSelector(o.Spec.Selector, old.Spec.Selector, errors);
    }

    public static void Update(ReplicaSet o, ReplicaSet old, Errors errors)
    {
        Check(o, errors);
        SameSelector(o.Spec.Selector, old.Spec.Selector, errors);
    }

    public static void Update(DaemonSet o, DaemonSet old, Errors errors)
    {
        SameSelector(o.Spec.Selector, old.Spec.Selector, errors);
        Check(o, errors);
    }

    public static void Check(ControllerRevision o, Errors errors)
    {
        errors.NotNegative(FieldPath.Of("revision"), o.Revision);
        if (o.Data == default) errors.Required(FieldPath.Of("data"), "data is mandatory");
    }

    public static void Update(ControllerRevision o, ControllerRevision old, Errors errors)
    {
        Check(o, errors);
        errors.Unchanged(FieldPath.Of("data"), o.Data, old.Data, d => d.ToString());
    }

    public static void Update(StatefulSet now, StatefulSet old, Errors errors)
    {
        var (s, was) = (now.Spec, old.Spec);
        var same = s with
        {
            Replicas = was.Replicas, Template = was.Template, UpdateStrategy = was.UpdateStrategy, MinReadySeconds = was.MinReadySeconds, Ordinals = was.Ordinals,
            RevisionHistoryLimit = was.RevisionHistoryLimit, PersistentVolumeClaimRetentionPolicy = was.PersistentVolumeClaimRetentionPolicy,
        };
        if (same != was)
            errors.Forbidden(FieldPath.Spec, "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
                + "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
        Common(now, errors);
    }
}
