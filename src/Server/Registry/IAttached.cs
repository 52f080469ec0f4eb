namespace Hanbae.Server.Registry;

/// <summary>A strategy whose objects have to do with those of other kinds; called once, before anything is served.</summary>
public interface IAttached
{
    /// <param name="stored">Finds what is stored under a group and resource; null when it is not served.</param>
    void Attach(Func<GroupResource, StoredResource?> stored);
}
