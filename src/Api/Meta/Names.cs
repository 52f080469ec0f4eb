namespace Hanbae.Api;

/// <summary>An API group and a version of it; the group of core is empty.</summary>
public readonly record struct GroupVersion(string Group, string Version)
{
    /// <summary><c>v1</c> or <c>apps/v1</c>, as in <c>apiVersion</c>.</summary>
    public override string ToString() => Group.Length == 0 ? Version : Group + "/" + Version;

    /// <summary>Reads an <c>apiVersion</c>; null when it has more than one slash or is empty.</summary>
    public static GroupVersion? Parse(string apiVersion)
    {
        int slash = apiVersion.IndexOf('/');
        return apiVersion.Length == 0 || slash != apiVersion.LastIndexOf('/') ? null
            : slash < 0 ? new("", apiVersion)
            : new(apiVersion[..slash], apiVersion[(slash + 1)..]);
    }

    public GroupVersionKind Kind(string kind) => new(Group, Version, kind);
    public GroupVersionResource Resource(string plural) => new(Group, Version, plural);
}

/// <summary>What an object says it is.</summary>
public readonly record struct GroupVersionKind(string Group, string Version, string Kind)
{
    public GroupVersion GroupVersion => new(Group, Version);
    /// <summary>As upstream prints it: <c>apps/v1, Kind=Deployment</c>.</summary>
    public override string ToString() => $"{GroupVersion}, Kind={Kind}";
}

/// <summary>Where objects of a kind are served.</summary>
public readonly record struct GroupVersionResource(string Group, string Version, string Resource)
{
    public GroupVersion GroupVersion => new(Group, Version);
    public GroupResource GroupResource => new(Group, Resource);
    /// <summary>As upstream prints it: <c>apps/v1, Resource=deployments</c>.</summary>
    public override string ToString() => $"{GroupVersion}, Resource={Resource}";
}

/// <summary>A resource whatever its version: what is stored, authorized and named in errors.</summary>
public readonly record struct GroupResource(string Group, string Resource)
{
    /// <summary>As upstream prints it: <c>pods</c> or <c>deployments.apps</c>.</summary>
    public override string ToString() => Group.Length == 0 ? Resource : Resource + "." + Group;
}
